import { constants } from 'node:os'
import type { Log } from '../base/log.ts'
import { isHangupIgnored } from './starter.js'

/**
 * One wish to stop may come as several signals: npm passes on a Ctrl-C that the terminal has sent to
 * every process already, systemd may send SIGHUP after SIGTERM. Within this time they count as one.
 */
const SAME_WISH_MS = 150

/** Calls `stop` at the first signal that asks for a stop; a second one ends the process at once. */
export function waitForSignal(stop: (signal: string) => void): void {
  let first: number | undefined
  const signals = ['SIGTERM', 'SIGINT', ...(isHangupIgnored() ? [] : ['SIGHUP' as const])] as const
  for (const signal of signals) {
    process.on(signal, () => {
      const now = performance.now()
      if (first === undefined) {
        first = now
        stop(signal)
      } else if (now - first > SAME_WISH_MS) {
        process.exit(128 + constants.signals[signal])
      }
    })
  }
}

/**
 * Kills the process if it still runs after this time: not even `process.exit` returns while a disk
 * hangs in a sync. Every acknowledged write is on disk by then.
 */
export function killAfter(ms: number, log: Log): void {
  const kill = () => {
    log.error('stop_took_too_long', { afterMs: ms })
    process.kill(process.pid, 'SIGKILL')
  }
  setTimeout(kill, ms).unref()
}
