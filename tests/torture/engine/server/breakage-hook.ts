// Loaded into the program before it starts, and into its threads: changes one file as it is read.
import { registerHooks } from 'node:module'
import { type Breakage, BREAKAGE_VARIABLE } from './breakage.ts'

const breakage: Breakage = JSON.parse(process.env[BREAKAGE_VARIABLE] ?? 'null')
if (!('file' in breakage)) throw new Error('Cannot break the program: no file is named')
const { file, replace, by } = breakage

registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context)
    if (!url.endsWith(`/${file}`)) return loaded
    const source = String(loaded.source)
    // A control that no longer changes anything would call every torture blind.
    if (source.split(replace).length !== 2) {
      throw new Error(`Cannot break ${file}: it must have "${replace}" in exactly one place`)
    }
    return { ...loaded, source: source.replace(replace, () => by) }
  },
})
