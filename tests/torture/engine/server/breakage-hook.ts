// Loaded into the program before it starts, and into its threads: changes its code as it is read.
import { registerHooks } from 'node:module'
import { BREAKAGE_VARIABLE, type PlacedChange } from './breakage.ts'
import { changeSeam } from './seams.ts'

const ROOT = new URL('../../../../', import.meta.url)

const changes: PlacedChange[] = JSON.parse(process.env[BREAKAGE_VARIABLE] ?? '[]')
if (changes.length === 0) throw new Error('Cannot break the program: no change is named')

registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context)
    const here = changes.filter(({ file }) => url === new URL(file, ROOT).href)
    if (here.length === 0) return loaded
    return { ...loaded, source: here.reduce(changeSeam, String(loaded.source)) }
  },
})
