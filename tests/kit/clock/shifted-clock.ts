import { spawnSync } from 'node:child_process'
import { openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { skip } from '../runner/skip.ts'
import { PROGRAM, underPreload } from '../process/spawn-server.ts'

export type ShiftedClock = {
  /** The command line under which programs have to be started that are to go by this clock. */
  readonly under: readonly string[]
  /** From here on it is this time for them, in milliseconds since the epoch, and goes on from there. */
  set(time: number): void
}

/**
 * A wall clock for the program under test, of which a file in `folder` says how far it is ahead: in
 * `server.ts` by a preloaded file, in the binary by a library before the system's. Skips where there
 * is no compiler to make that with.
 */
export function openShiftedClock(folder: string): ShiftedClock {
  const path = join(folder, 'clock')
  const file = openSync(path, 'w')
  const under =
    PROGRAM.length === 1
      ? ['env', `LD_PRELOAD=${compileShift(folder)}`, `SHIFTED_CLOCK=${path}`]
      : underPreload(HOOK, { SHIFTED_CLOCK: path })

  function set(time: number): void {
    writeSync(file, new BigInt64Array([BigInt(Math.round(time) - Date.now())]), 0, 8, 0)
  }

  set(Date.now())
  return { under, set }
}

const HOOK = new URL('./shifted-clock-hook.ts', import.meta.url)
const SOURCE = fileURLToPath(new URL('./shifted-clock.c', import.meta.url))

function compileShift(folder: string): string {
  const library = join(folder, 'shifted-clock.so')
  const { status, stderr, error } = spawnSync(
    'cc',
    ['-shared', '-fPIC', '-O1', '-o', library, SOURCE],
    { encoding: 'utf8' },
  )
  if (process.platform !== 'linux') skip('a clock is set before a binary on Linux alone')
  if (error !== undefined) skip('there is no C compiler, cc, to set the clock before a binary')
  if (status !== 0) throw new Error(`Cannot compile ${SOURCE}: ${stderr}`)
  return library
}
