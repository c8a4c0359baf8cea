import { Worker } from 'node:worker_threads'
import { isBinary, readAsset } from '../../base/assets.ts'
import { CoatcheckError } from '../../base/errors.ts'
import type { Strayed } from '../database/name-watch-thread.ts'
import type { NamedFile } from '../database/open-files.ts'
import type { StoreHealth, Swept } from '../../store/store.ts'
import {
  type FromWriter,
  packRequest,
  type Refusal,
  type ToWriter,
  unpackOutcome,
  type WriteOutcome,
  type WriteRequest,
} from './protocol.ts'
import type { WriterOptions } from './writer-thread.ts'

/** The way to the writer. After a failure every promise, old or new, rejects: it is final. */
export type WriterPort = {
  /** Runs the requests in order, as a part of one durable transaction; an outcome for each. */
  write(requests: readonly WriteRequest[]): Promise<readonly WriteOutcome[]>
  sweep(now: number): Promise<Swept>
  /**
   * Lets the writer do what is to be done about once a second; `isDoubtful`: whether it is to try the
   * disk, since a read has failed.
   */
  tick(isDoubtful: boolean): void
  /** As the writer found it when it last looked. */
  health(): StoreHealth
  close(): Promise<void>
}

export type WriterThread = WriterPort & {
  /** What it has open, by name. */
  readonly files: readonly NamedFile[]
  /** Resolves once the writer has looked after its files, and has died if they are not whole. */
  check(): Promise<void>
  /** Ends writing, for good, as a failure does; resolves once the writer is dead. */
  abandon(strayed: Strayed): Promise<void>
}

/** The thread's code in the binary, which has no file to start it from. */
export const WRITER_ASSET = 'writer-thread.cjs'

type Waiting<T> = {
  readonly count: number
  readonly resolve: (answer: T) => void
  readonly reject: (error: Error) => void
}

/**
 * Starts the writer's thread; resolves once its database is open. `onFailure` is told once, with the
 * cause, when the thread dies: nothing can be written any more.
 */
export async function startWriterThread(
  options: WriterOptions,
  onFailure: (cause: Error) => void,
): Promise<WriterThread> {
  const given = { workerData: options, name: 'coatcheck writer' }
  const thread = isBinary
    ? new Worker(readAsset(WRITER_ASSET), { ...given, eval: true })
    : new Worker(new URL('./writer-thread.ts', import.meta.url), given)
  // Answers come in the order of the questions, so two queues are all that is to be kept.
  const writes: Waiting<readonly WriteOutcome[]>[] = []
  const sweeps: Waiting<Swept>[] = []
  const opened = Promise.withResolvers<readonly NamedFile[]>()
  const checked = Promise.withResolvers<void>()
  const exited = Promise.withResolvers<void>()
  const closed = Promise.withResolvers<void>()
  let health: StoreHealth = { state: 'ok', writes: 'all', reasons: [], figures: { walBytes: 0 } }
  let uncaught: Error | undefined
  let failed: Error | undefined
  let open = false
  let closing = false

  thread.on('message', (message: FromWriter) => {
    switch (message.kind) {
      case 'ready':
        return opened.resolve(message.files)
      case 'written':
        return settleWrites(message.outcomes.map(unpackOutcome))
      case 'swept':
        return sweeps.shift()?.resolve(message.swept)
      case 'not_swept':
        return sweeps.shift()?.reject(errorFor(message.refusal))
      case 'health':
        health = message.health
        return
      case 'checked':
        return checked.resolve()
      case 'closed':
        return closed.resolve()
    }
  })
  // This event overtakes answers that the thread gave before it; none does so with its exit.
  thread.on('error', (cause) => {
    uncaught = cause instanceof Error ? cause : new Error(String(cause))
  })
  thread.on('exit', (code) => {
    if (uncaught !== undefined) fail(uncaught)
    else if (!closing) fail(new Error(`The writer's thread ended with code ${code}`))
    exited.resolve()
  })

  /** One answer may cover several questions: the thread takes together what has arrived. */
  function settleWrites(outcomes: readonly WriteOutcome[]): void {
    let settled = 0
    while (settled < outcomes.length) {
      const waiting = writes.shift()
      if (waiting === undefined) throw new Error('The writer answered what nobody asked')
      waiting.resolve(outcomes.slice(settled, settled + waiting.count))
      settled += waiting.count
    }
  }

  function fail(cause: Error): void {
    if (failed !== undefined) return
    failed = cause
    const unknown = new CoatcheckError(
      'outcome_unknown',
      'Cannot tell whether this was written: storage failed; read it again once the server is back',
    )
    for (const waiting of [...writes.splice(0), ...sweeps.splice(0)]) waiting.reject(unknown)
    opened.reject(cause)
    checked.resolve()
    closed.resolve()
    if (open) onFailure(cause)
  }

  function ask<T>(queue: Waiting<T>[], count: number, message: ToWriter): Promise<T> {
    if (failed !== undefined || closing) return Promise.reject(storageIsGone())
    return new Promise((resolve, reject) => {
      // First of all: what cannot be sent throws, and must not stand in the way of the answers.
      post(message)
      queue.push({ count, resolve, reject })
    })
  }

  function post(message: ToWriter): void {
    thread.postMessage(message)
  }

  const files = await opened.promise
  open = true
  return {
    files,
    write: (requests) =>
      ask(writes, requests.length, { kind: 'write', requests: requests.map(packRequest) }),
    sweep: (now) => ask(sweeps, 1, { kind: 'sweep', now }),
    tick(isDoubtful) {
      if (failed === undefined && !closing) post({ kind: 'tick', isDoubtful })
    },
    health() {
      if (failed === undefined) return health
      return { ...health, state: 'failed', writes: 'none', reasons: [] }
    },
    async check() {
      if (failed === undefined) post({ kind: 'check' })
      await checked.promise
    },
    async abandon(strayed) {
      if (failed === undefined) post({ kind: 'strayed', strayed })
      await exited.promise
    },
    async close() {
      closing = true
      if (failed === undefined) post({ kind: 'close' })
      await closed.promise
      // The thread leaves a sweep where it is: what it has ended stays ended, the rest can wait.
      for (const waiting of sweeps.splice(0)) waiting.reject(storageIsGone())
      await thread.terminate()
    },
  }
}

function storageIsGone(): CoatcheckError {
  return new CoatcheckError('storage_failed', 'Cannot write: storage has failed or is closing')
}

/** The error that crossed the thread as plain data. */
export function errorFor({ code, message, facts, way }: Refusal): CoatcheckError {
  return new CoatcheckError(code, message, facts, way)
}
