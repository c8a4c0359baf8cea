/**
 * Statements behind a pooler, which may give each transaction another session, of another server even: the
 * settings go with each transaction, and each says which server it ran on.
 */
import { StatementError } from './failures.ts'
import { callsOf, SERVER, type Settings } from './primary.ts'

export type Answer = {
  readonly rows: readonly (readonly unknown[])[]
  readonly count: number
  readonly command: string
}

/** Sends at once, and resolves with the answer. */
export type Send = (text: string, values: readonly unknown[]) => Promise<Answer>

export type Pooled = {
  /** Resolves with the answer and the server that gave it. Rejects as `send` does. */
  run(
    send: Send,
    text: string,
    values: readonly unknown[],
  ): Promise<Answer & { readonly server: string }>
}

/** For one connection: it remembers whether it is within a transaction of the caller's. */
export function createPooled(setup: Settings): Pooled {
  const start = `select ${[SERVER, ...(setup.length > 0 ? [callsOf(setup, 'transaction')] : [])].join(', ')}`
  let isWithin = false
  let server = ''

  /** What is sent together is answered in order: the first that failed is why the others did. */
  async function sendAll(asked: readonly Promise<Answer>[]): Promise<Answer[]> {
    const settled = await Promise.allSettled(asked)
    return settled.map((one) => {
      if (one.status === 'rejected') throw one.reason
      return one.value
    })
  }

  async function begin(send: Send, text: string) {
    isWithin = true
    const [begun, started] = await sendAll([send(text, []), send(start, [])])
    server = String(started?.rows[0]?.[0])
    return { ...(begun as Answer), server }
  }

  async function wrap(send: Send, text: string, values: readonly unknown[]) {
    const [, started, answer, ended] = await sendAll([
      send('begin', []),
      send(start, []),
      send(text, values),
      send('commit', []),
    ])
    if (ended?.command !== 'COMMIT') throw new StatementError(ROLLED_BACK, 'Rolled back', true)
    return { ...(answer as Answer), server: String(started?.rows[0]?.[0]) }
  }

  return {
    async run(send, text, values) {
      if (/^begin\b/i.test(text)) return await begin(send, text)
      if (!isWithin) return await wrap(send, text, values)
      if (/^(?:commit|rollback)\b/i.test(text)) isWithin = false
      return { ...(await send(text, values)), server }
    },
  }
}

/** SQLSTATE transaction_rollback. */
const ROLLED_BACK = '40000'
