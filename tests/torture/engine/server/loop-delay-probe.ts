// Preloaded into the server: how late its event loop comes to what is due. At each SIGUSR2 a line of
// JSON tells of the time since the one before, for which the file is opened while that is allowed.
import { openSync, writeSync } from 'node:fs'
import { createHistogram, performance } from 'node:perf_hooks'
import { isMainThread } from 'node:worker_threads'

const TICK_MS = 2

if (isMainThread) measure(openSync(process.env['LOOP_DELAYS'] ?? '', 'w'))

function measure(file: number): void {
  const delays = createHistogram()
  let due = performance.now()

  // Node's own monitorEventLoopDelay counts a stall once, however long it is; what comes at a steady
  // pace, as requests do, meets it for as long as it lasts.
  function look(): void {
    const now = performance.now()
    for (; due <= now; due += TICK_MS) delays.record(Math.round((now - due) * 1_000) + 1)
  }

  setInterval(look, TICK_MS).unref()
  process.on('SIGUSR2', () => {
    look()
    const [p99, max] = [delays.percentile(99), delays.max].map((us) => us / 1_000)
    writeSync(file, `${JSON.stringify({ p99, max })}\n`)
    delays.reset()
  })
}
