/** One connection to whichever of the hosts takes writes, made anew where it breaks. */
import pg from 'pg'
import { codeOf } from '../../base/errors.ts'
import { StatementError } from './failures.ts'
import { type Answer, createPooled, type Pooled } from './pooled.ts'
import { type ConnectOptions, connectToPrimary, destroy, type Primary } from './primary.ts'

export type Statement = { readonly name: string; readonly text: string }

export type Rows = Answer & {
  /** Which start of which server has answered. */
  readonly server: string
}

export type Connection = {
  /** Connects for the first time; rejects with what each host said. */
  open(): Promise<void>
  isUp(): boolean
  /** Which start of which server it leads to, behind a pooler: led to last; undefined while there is none. */
  server(): string | undefined
  /** Statements that have not been answered, overdue ones too. */
  inFlight(): number
  /** Whether an answer is waited for that should have come. */
  isOverdue(): boolean
  /**
   * Resolves once the server is ready for the next statement: what it has answered then is committed.
   * Rejects with a `StatementError`: also where the server warned meanwhile (a commit that its standby may
   * not have), and where it has not answered in time, though the answer may still come.
   */
  ask(statement: Statement, values?: readonly unknown[]): Promise<Rows>
  /** Closes what there is at once, and connects anew. */
  renew(): void
  close(): Promise<void>
}

export type ConnectionOptions = ConnectOptions & {
  readonly certificate: string | undefined
  readonly answerTimeoutMs: number
  /**
   * What becomes of a connection whose answer is overdue. `keep`: a server that waits for its standby keeps
   * the session and its locks, whoever leaves it, so that each new connection would add one.
   */
  readonly whenOverdue: 'keep' | 'renew'
  readonly onConnected?: () => void
}

const RETRY_MS = 200
const FAREWELL_MS = 1_000
/** Nobody writes more than 2^53 of anything here. */
const INT8 = 20
const TYPES = {
  getTypeParser: (oid: number, format: 'text' | 'binary') =>
    oid === INT8 ? Number : (pg.types.getTypeParser(oid, format) as (text: string) => unknown),
}

/**
 * By its SQLSTATE: the server says the severity in its own language. Class 01 is warnings; a server that
 * shuts down while a commit waits for its standby says so by one of class 57.
 */
function isWarning({ severity, code = '' }: Notice): boolean {
  return severity === 'WARNING' || /^(?:01|57)/.test(code)
}

type Notice = { readonly severity: string | undefined; readonly code: string | undefined }

export function createConnection(options: ConnectionOptions): Connection {
  let primary: (Primary & { readonly pooled: Pooled }) | undefined
  /** Of the primary at hand. */
  let server: string | undefined
  let connecting: Promise<void> | undefined
  let isClosed = false
  let inFlight = 0
  let warnings = 0
  /** Of the connection at hand. */
  let overdue = 0

  async function connect(): Promise<void> {
    const found = await connectToPrimary(options, options.certificate)
    const made = { ...found, pooled: createPooled(options.setup) }
    const { client } = made
    if (isClosed) return destroy(client)
    client.on('error', () => lose(made))
    client.on('end', () => lose(made))
    client.on('notice', (notice) => {
      if (isWarning(notice)) warnings++
    })
    overdue = 0
    primary = made
    server = made.server
    options.onConnected?.()
  }

  function keepConnected(): void {
    if (isClosed || connecting !== undefined || primary !== undefined) return
    connecting = connect()
      .catch(() => {})
      .finally(() => {
        connecting = undefined
        if (primary === undefined) setTimeout(keepConnected, RETRY_MS).unref()
      })
  }

  function lose(lost: Primary): void {
    if (primary !== lost) return
    primary = undefined
    keepConnected()
  }

  function renew(): void {
    const old = primary
    if (old === undefined) return
    destroy(old.client)
    lose(old)
  }

  async function send(
    { client }: Primary,
    name: string | undefined,
    text: string,
    values: readonly unknown[],
  ): Promise<Answer> {
    const { rows, rowCount, command } = await client.query<unknown[]>({
      ...(name === undefined ? {} : { name }),
      text,
      values: [...values],
      rowMode: 'array',
      types: TYPES,
    } as pg.QueryArrayConfig)
    return { rows, count: rowCount ?? 0, command }
  }

  async function answer(
    mine: NonNullable<typeof primary>,
    { name, text }: Statement,
    values: readonly unknown[],
  ): Promise<Rows> {
    if (options.prepare) return { ...(await send(mine, name, text, values)), server: mine.server }
    const sendUnnamed = send.bind(undefined, mine, undefined)
    const rows = await mine.pooled.run(sendUnnamed, text, values)
    if (primary === mine) server = rows.server
    return rows
  }

  async function run(
    mine: NonNullable<typeof primary>,
    statement: Statement,
    values: readonly unknown[],
  ) {
    const warned = warnings
    try {
      const rows = await answer(mine, statement, values)
      if (warnings !== warned) throw new StatementError('warned', 'The server warned', true)
      return rows
    } catch (error) {
      if (error instanceof StatementError) throw error
      const code = codeOf(error)
      const isState = /^[0-9A-Z]{5}$/.test(code) && code !== 'EPIPE'
      throw new StatementError(isState ? code : 'connection', String(error), true)
    }
  }

  return {
    open: connect,
    isUp: () => primary !== undefined,
    server: () => (primary === undefined ? undefined : server),
    inFlight: () => inFlight,
    isOverdue: () => overdue > 0,
    renew,

    ask(statement, values = []) {
      const mine = primary
      if (mine === undefined) {
        return Promise.reject(new StatementError('connection', 'There is no connection', false))
      }
      inFlight++
      return new Promise((resolve, reject) => {
        let isLate = false
        const timer = setTimeout(() => {
          isLate = true
          if (primary === mine) overdue++
          reject(new StatementError('overdue', 'There was no answer in time', true))
          if (options.whenOverdue === 'renew' && primary === mine) renew()
        }, options.answerTimeoutMs)
        void run(mine, statement, values)
          .then(resolve, reject)
          .finally(() => {
            clearTimeout(timer)
            inFlight--
            if (isLate && primary === mine) overdue--
          })
      })
    },

    async close() {
      isClosed = true
      const mine = primary
      primary = undefined
      if (mine === undefined) return
      if (overdue > 0) return destroy(mine.client)
      // A server that stands still hears no farewell.
      const limit = setTimeout(() => destroy(mine.client), FAREWELL_MS)
      await mine.client.end().catch(() => {})
      clearTimeout(limit)
    },
  }
}
