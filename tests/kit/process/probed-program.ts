import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildBinary } from '../../../lib/build/binary.ts'
import { hostName, targetFor } from '../../../lib/build/target.ts'
import { nodeFlags } from '../../../lib/program/node-flags.js'
import type { Probed } from './permission-probe.ts'
import { PROGRAM } from './spawn-server.ts'

const PROBE = fileURLToPath(new URL('./permission-probe.ts', import.meta.url))
const [NODE = '', SERVER] = PROGRAM

/** Whatever the probe tries. */
export const ATTEMPTS: readonly string[] = [
  ...readFileSync(PROBE, 'utf8').matchAll(/^ {2}'(.*)': \(/gm),
].map(([, attempt = '']) => attempt)

const REFUSALS = [
  'ERR_ACCESS_DENIED',
  // A thread cannot become another program, and the binary imports nothing from files, whatever the rights.
  'ERR_WORKER_UNSUPPORTED_OPERATION',
  'ERR_UNKNOWN_BUILTIN_MODULE',
]

/** The command line of the program as it is started for real. */
export function limitedProgram(): readonly string[] {
  return SERVER === undefined ? PROGRAM : [NODE, ...nodeFlags, SERVER]
}

/** The same with the probe in it; of the binary, one is built in this folder. */
export async function probedProgram(folder: string): Promise<readonly string[]> {
  if (SERVER !== undefined) return [NODE, ...nodeFlags, '--import', PROBE, SERVER]
  const probed = join(folder, 'coatcheck-with-probe')
  await buildBinary(targetFor(hostName), probed, [PROBE])
  return [probed]
}

/** What the probe has told so far. */
export function probesOf(program: { stderr(): string }): Probed[] {
  const lines = program.stderr().split('\n').slice(0, -1)
  return lines.flatMap((line): Probed[] =>
    line.startsWith('probe ') ? [JSON.parse(line.slice(6))] : [],
  )
}

export function isRefused({ code }: Probed): boolean {
  return REFUSALS.includes(code)
}
