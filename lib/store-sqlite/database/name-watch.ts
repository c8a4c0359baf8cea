import type { EventEmitter } from 'node:events'
import { Worker } from 'node:worker_threads'
import { isBinary, readAsset } from '../../base/assets.ts'
import type { Looked, Strayed } from './name-watch-thread.ts'
import type { NamedFile } from './open-files.ts'

export type NameWatch = {
  /**
   * Looks where the names of the open files lead, and resolves once it is known; while a look is under
   * way, with that one.
   */
  look(): Promise<void>
  /**
   * Looks a last time, for what was lost since the look before, and ends the thread. Does not wait for
   * a disk that does not answer.
   */
  close(): Promise<void>
}

/** The thread's code in the binary, which has no file to start it from. */
export const NAME_WATCH_ASSET = 'name-watch-thread.cjs'

/** The longest wait of a close for a look: a network disk that is gone may never answer. */
const PATIENCE_MS = 5_000

/** The thread keeps a few strings; Node's defaults are for a whole server. */
const LIMITS = { maxYoungGenerationSizeMb: 1, maxOldGenerationSizeMb: 16 }

/**
 * Starts a thread that may look up names, which the others may not. `onStrayed` is told once, when
 * a name no longer leads to the open file, or when the thread has died; the look ends after it.
 * `onNewNames` is told when the data file has got more hard links.
 */
export function startNameWatch(
  files: readonly NamedFile[],
  onStrayed: (strayed: Strayed) => Promise<void>,
  onNewNames: (count: number) => void,
  thread: LookingThread = startThread(files),
  patienceMs = PATIENCE_MS,
): NameWatch {
  let underWay: PromiseWithResolvers<void> | undefined
  let isOver = false

  thread.on('message', ({ strayed, newNames }: Looked) => {
    if (newNames !== undefined) onNewNames(newNames)
    void tell(strayed).then(finishLook)
  })
  thread.on('error', (cause) => {
    const reason = `Nobody watches the data file: ${cause instanceof Error ? cause.message : ''}`
    void tell({ reason, isWalOnly: false })
  })
  thread.on('exit', () => {
    isOver = true
    finishLook()
  })

  function finishLook(): void {
    underWay?.resolve()
    underWay = undefined
  }

  async function tell(strayed: Strayed | undefined): Promise<void> {
    if (strayed === undefined || isOver) return
    isOver = true
    await onStrayed(strayed)
  }

  function look(): Promise<void> {
    if (isOver) return Promise.resolve()
    if (underWay === undefined) {
      underWay = Promise.withResolvers()
      thread.postMessage('look')
    }
    return underWay.promise
  }

  return {
    look,
    async close() {
      await within(patienceMs, async () => {
        // A look under way may have begun before the loss.
        await underWay?.promise
        await look()
        isOver = true
        await thread.terminate()
      })
      isOver = true
    },
  }
}

/** The part of a thread that is used here. */
export type LookingThread = Pick<EventEmitter, 'on'> &
  Pick<Worker, 'terminate'> & { postMessage(message: 'look'): void }

function startThread(files: readonly NamedFile[]): LookingThread {
  const given = { workerData: files, name: 'coatcheck names', resourceLimits: LIMITS }
  return isBinary
    ? new Worker(readAsset(NAME_WATCH_ASSET), { ...given, eval: true })
    : new Worker(new URL('./name-watch-thread.ts', import.meta.url), given)
}

/** Resolves when the work is done, or after this time. */
async function within(ms: number, work: () => Promise<void>): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, ms)
  await Promise.race([work(), promise])
  clearTimeout(timer)
}
