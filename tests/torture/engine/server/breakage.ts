/** Breaks the program on purpose: for controls, which show that a torture would notice. */
import { fileURLToPath } from 'node:url'
import { PROGRAM } from '../../../kit/process/spawn-server.ts'

export type Breakage =
  | ChangedFile
  /** A library goes before those of the system, as `libeatmydata.so`. */
  | { readonly preload: string }

/** One place of a file of the program says something else: `file` is as `lib/service/sessions.ts`. */
export type ChangedFile = { readonly file: string; readonly replace: string; readonly by: string }

/** What starts the program so broken. */
export type BrokenProgram = {
  readonly program: readonly string[]
  readonly env: Readonly<Record<string, string>>
}

/** The variable that tells the hook in the program what to change. */
export const BREAKAGE_VARIABLE = 'BREAKAGE'

export function breakProgram(breakage: Breakage): BrokenProgram {
  if ('preload' in breakage) return { program: PROGRAM, env: { LD_PRELOAD: breakage.preload } }
  const [node = '', ...rest] = PROGRAM
  if (rest.length === 0) throw new Error('Cannot break the binary: its files are inside')
  return {
    program: [node, '--import', HOOK, ...rest],
    env: { [BREAKAGE_VARIABLE]: JSON.stringify(breakage) },
  }
}

/** The variables with which Node, and every program under test that it starts, runs so broken. */
export function breakingVariables(breakage: ChangedFile): {
  readonly [name: string]: string
} {
  return {
    NODE_OPTIONS: `--import ${new URL('./breakage-hook.ts', import.meta.url).href}`,
    [BREAKAGE_VARIABLE]: JSON.stringify(breakage),
  }
}

const HOOK = fileURLToPath(new URL('./breakage-hook.ts', import.meta.url))
