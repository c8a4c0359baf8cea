import { Worker } from 'node:worker_threads'
import { isBinary, readAsset } from '../assets.ts'
import type { Looked, Strayed } from './name-watch-thread.ts'
import type { NamedFile } from './open-files.ts'

export type NameWatch = {
  /** Looks where the names of the open files lead; resolves once it is known. */
  look(): Promise<void>
  /** Ends the thread; no look is under way then. */
  close(): Promise<void>
}

/** The thread's code in the binary, which has no file to start it from. */
export const NAME_WATCH_ASSET = 'name-watch-thread.cjs'

/** It keeps a few strings; by itself a thread takes what a server may need. */
const LIMITS = { maxYoungGenerationSizeMb: 1, maxOldGenerationSizeMb: 16 }

/**
 * Starts a thread that may look for names, which the others may not. `onStrayed` is told once, when
 * a name does not lead to the file that is open any more, or when the thread has died; a look is
 * over when it is done. `onNewNames` is told when the data file has come to have more hard links.
 */
export function startNameWatch(
  files: readonly NamedFile[],
  onStrayed: (strayed: Strayed) => Promise<void>,
  onNewNames: (count: number) => void,
): NameWatch {
  const given = { workerData: files, name: 'coatcheck names', resourceLimits: LIMITS }
  const thread = isBinary
    ? new Worker(readAsset(NAME_WATCH_ASSET), { ...given, eval: true })
    : new Worker(new URL('./name-watch-thread.ts', import.meta.url), given)
  const waiting: (() => void)[] = []
  let isOver = false

  thread.on('message', ({ strayed, newNames }: Looked) => {
    if (newNames !== undefined) onNewNames(newNames)
    void tell(strayed).then(() => waiting.shift()?.())
  })
  thread.on('error', (cause) => {
    const reason = `Nobody watches the data file: ${cause instanceof Error ? cause.message : ''}`
    void tell({ reason, isLogOnly: false })
  })
  thread.on('exit', () => {
    isOver = true
    for (const done of waiting.splice(0)) done()
  })

  async function tell(strayed: Strayed | undefined): Promise<void> {
    if (strayed === undefined || isOver) return
    isOver = true
    await onStrayed(strayed)
  }

  return {
    look() {
      if (isOver) return Promise.resolve()
      return new Promise((resolve) => {
        waiting.push(resolve)
        thread.postMessage('look')
      })
    },
    async close() {
      await thread.terminate()
    },
  }
}
