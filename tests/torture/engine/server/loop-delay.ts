/** How long the server's event loop keeps waiting what is due: seen from within, by a preloaded file. */
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { PROGRAM, type RunningServer, underPreload } from '../../../kit/process/spawn-server.ts'

/** In milliseconds; `p99` of all moments, so that a stall counts for as long as it lasts. */
export type LoopDelay = { readonly p99: number; readonly max: number }

export type LoopWatch = {
  /** The command line under which the server has to be started. */
  readonly under: readonly string[]
  /** The delays of this server since the last call, or since its start. */
  measure(server: RunningServer): Promise<LoopDelay>
}

const PROBE = new URL('./loop-delay-probe.ts', import.meta.url)
/** A loop that is held up answers late. */
const ANSWER_LIMIT_MS = 15_000

/** Undefined for the binary, into which nothing can be preloaded. The delays pass through `path`. */
export function watchLoop(path: string): LoopWatch | undefined {
  if (PROGRAM.length === 1) return undefined
  let asked = 0

  return {
    under: underPreload(PROBE, { LOOP_DELAYS: path }),
    async measure(server) {
      asked++
      server.kill('SIGUSR2')
      for (const end = performance.now() + ANSWER_LIMIT_MS; performance.now() < end;) {
        const line = readFileSync(path, 'utf8').split('\n').slice(0, -1)[asked - 1]
        if (line !== undefined) return JSON.parse(line)
        await sleep(10)
      }
      throw new Error(`The server has not told its delays within ${ANSWER_LIMIT_MS / 1_000} s`)
    },
  }
}
