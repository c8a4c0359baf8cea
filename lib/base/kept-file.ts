/** Reads one file anew, for a program that has given up the right to read files. */
import { setTimeout as sleep } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { isBinary, readAsset } from './assets.ts'

export type KeptFile = {
  /** What is in the file now; undefined where it cannot be read, or not within half a second. */
  read(): Promise<string | undefined>
}

/** The thread's code in the binary, which has no file to start it from. */
export const KEPT_FILE_ASSET = 'kept-file-thread.cjs'

const MOST_MS = 500

/** The thread keeps a few strings; Node's defaults are for a whole server. */
const LIMITS = { maxYoungGenerationSizeMb: 1, maxOldGenerationSizeMb: 16 }

/**
 * Starts a thread that keeps the right to read files, for this one. To be called before that is given up; it
 * holds up no end of the program.
 */
export function keepFile(path: string): KeptFile {
  const given = { workerData: path, name: 'coatcheck file', resourceLimits: LIMITS }
  const thread = isBinary
    ? new Worker(readAsset(KEPT_FILE_ASSET), { ...given, eval: true })
    : new Worker(new URL('./kept-file-thread.ts', import.meta.url), given)
  /** Those who have asked, in order. */
  const waiting: ((text: string | undefined) => void)[] = []
  let isOver = false

  thread.on('message', (text: string | undefined) => waiting.shift()?.(text))
  // Else it would end the program; it is followed by the exit.
  thread.on('error', () => {})
  thread.on('exit', () => {
    isOver = true
    for (const tell of waiting.splice(0)) tell(undefined)
  })

  // Last: whoever listens holds the program up, too.
  thread.unref()
  return {
    read() {
      if (isOver) return Promise.resolve(undefined)
      const { promise, resolve } = Promise.withResolvers<string | undefined>()
      waiting.push(resolve)
      thread.postMessage('read')
      // A disk that hangs; an answer that comes late is for nobody.
      const late = sleep(MOST_MS, undefined, { ref: false })
      return Promise.race([promise, late])
    },
  }
}
