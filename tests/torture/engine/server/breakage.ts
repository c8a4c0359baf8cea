/** Breaks the program on purpose: for controls, which show that a test or a torture would notice. */
import { stopRecorder } from '../../../kit/answers/recorder.ts'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { PROGRAM } from '../../../kit/process/spawn-server.ts'
import { changeSeam, type ChangedSeam, findSeam } from './seams.ts'

export type Breakage =
  | ChangedCode
  /** A library goes before those of the system, as `libeatmydata.so`. */
  | { readonly preload: string }

/** The code says something else, at a seam or at several. */
export type ChangedCode = ChangedSeam | readonly ChangedSeam[]

/** What starts the program so broken. */
export type BrokenProgram = {
  readonly program: readonly string[]
  readonly env: Readonly<Record<string, string>>
}

/** A change with its file, as the hook in the program takes it. */
export type PlacedChange = ChangedSeam & { readonly file: string }

/** The variable that tells the hook in the program what to change: JSON of `PlacedChange[]`. */
export const BREAKAGE_VARIABLE = 'BREAKAGE'

export function breakProgram(breakage: Breakage): BrokenProgram {
  stopRecorder()
  if ('preload' in breakage) return { program: PROGRAM, env: { LD_PRELOAD: breakage.preload } }
  const [node = '', ...rest] = PROGRAM
  if (rest.length === 0) throw new Error('Cannot break the binary: its files are inside')
  return {
    program: [node, '--import', HOOK, ...rest],
    env: { [BREAKAGE_VARIABLE]: JSON.stringify(placeChanges(breakage)) },
  }
}

/** The variables with which Node, and every program under test that it starts, runs so broken. */
export function breakingVariables(breakage: ChangedCode): {
  readonly [name: string]: string
} {
  return {
    NODE_OPTIONS: `--import ${new URL('./breakage-hook.ts', import.meta.url).href}`,
    [BREAKAGE_VARIABLE]: JSON.stringify(placeChanges(breakage)),
  }
}

/** Throws where a seam is not in exactly one place. */
function placeChanges(breakage: ChangedCode): PlacedChange[] {
  const changes = 'seam' in breakage ? [breakage] : breakage
  return changes.map((change) => ({ ...change, file: findSeam(change.seam) }))
}

/** Throws where a place is not to be found, or would not change. */
export function checkBreakage(breakage: Breakage): void {
  if ('preload' in breakage) return
  for (const change of placeChanges(breakage)) {
    const source = readFileSync(new URL(`../../../../${change.file}`, import.meta.url), 'utf8')
    if (changeSeam(source, change) === source) {
      throw new Error(`Cannot break ${change.file}: it would be as before`)
    }
  }
}

const HOOK = fileURLToPath(new URL('./breakage-hook.ts', import.meta.url))
