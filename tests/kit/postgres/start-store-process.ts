import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Inserted } from '../../../lib/store/store.ts'
import type { Tally } from './load.ts'

export type Order =
  | { readonly do: 'load'; readonly name: string }
  | { readonly do: 'stop' }
  | { readonly do: 'log in'; readonly sub: string; readonly id: string }
  | { readonly do: 'close' }

export type StoreProcess = {
  readonly signal: (signal: 'SIGSTOP' | 'SIGCONT' | 'SIGKILL') => void
  startLoad(name: string): Promise<void>
  stopLoad(): Promise<Tally>
  /** Resolves with what the store answers, or the code of its refusal. */
  logIn(sub: string, id: string): Promise<Inserted | string>
  close(): Promise<void>
}

const PROGRAM = fileURLToPath(new URL('./store-process.ts', import.meta.url))

/** A store in a process of its own; `limit`: of sessions of one user, 0 for none. It does one thing at a time. */
export async function startStoreProcess(address: string, limit = 0): Promise<StoreProcess> {
  const child = fork(PROGRAM, [address, String(limit)], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  const ended = once(child, 'exit')

  async function answer(): Promise<unknown> {
    const first = await Promise.race([once(child, 'message'), ended.then(() => undefined)])
    if (first === undefined) throw new Error('The process of the store has ended')
    return (first[0] as { answer: unknown }).answer
  }

  async function order(what: Order): Promise<unknown> {
    const answered = answer()
    child.send(what)
    return await answered
  }

  await answer()
  return {
    signal: (signal) => void child.kill(signal),
    async startLoad(name) {
      await order({ do: 'load', name })
    },
    stopLoad: async () => (await order({ do: 'stop' })) as Tally,
    logIn: async (sub, id) => (await order({ do: 'log in', sub, id })) as Inserted | string,
    async close() {
      if (child.exitCode !== null || child.signalCode !== null) return
      child.send({ do: 'close' })
      await ended
    },
  }
}
