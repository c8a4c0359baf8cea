import { systemClock } from '../base/clock.ts'
import { EXIT } from '../command-line/exit-codes.ts'
import type { CommandIo } from '../commands/command.ts'
import { waitForSignal } from './signals.ts'

/** Any timer keeps a process alive; this one fires every twelve days, for nothing. */
const LONG_MS = 2 ** 30

/** A command that was told to stop is over, and then its process is, whatever is still open. */
const LEFT_OPEN_MS = 1_000

/** The streams of the process, for a command. */
export function createCommandIo(): CommandIo {
  const err = (text: string): void => void process.stderr.write(text)
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    // A reader may go before the end, as `head` does; a disk that is full loses a part of an export.
    if (error.code === 'EPIPE') return
    err(`Cannot write to stdout: ${error.message}\n`)
    // Later, so that the command hears of it first and revokes a key that nobody has read.
    setImmediate(() => process.exit(EXIT.diskFailed))
  })
  return {
    clock: systemClock,
    out: (text) => void process.stdout.write(text),
    outWhenReady,
    err,
    isTerminal: process.stderr.isTTY === true,
    // A getter, since the first use opens the stream and most commands read nothing.
    get stdin() {
      return process.stdin
    },
    stayOn,
  }
}

async function outWhenReady(text: string): Promise<boolean> {
  return await new Promise((resolve) => {
    process.stdout.write(text, (error) => resolve(error === null || error === undefined))
  })
}

function stayOn(stop: (signal: string) => void): () => void {
  waitForSignal(stop)
  const timer = setInterval(() => {}, LONG_MS)
  return () => {
    clearInterval(timer)
    // Nobody waits for a look-up or a connection that still hangs.
    setTimeout(() => process.exit(), LEFT_OPEN_MS).unref()
  }
}
