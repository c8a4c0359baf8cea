/** What an error of the database means for who asked. Codes are SQLSTATEs (PostgreSQL, appendix A). */
import { CoatcheckError } from '../../base/errors.ts'
import { OpenError } from '../../store/open-error.ts'

/** An error of a statement, or of its connection. */
export class StatementError extends Error {
  /** A SQLSTATE, or `connection`, `overdue` or `warned`. */
  readonly code: string
  /** Whether the server may have got the statement. */
  readonly isSent: boolean

  constructor(code: string, message: string, isSent: boolean) {
    super(message)
    this.name = 'StatementError'
    this.code = code
    this.isSent = isSent
  }
}

/** Surely rolled back, and worth another try: a serialization failure, a deadlock, a lock that is taken. */
export function isRetryable(error: unknown): boolean {
  return error instanceof StatementError && ['40001', '40P01', '55P03'].includes(error.code)
}

/** Whether the server surely did nothing of what was asked. */
function isSurelyUndone(error: unknown): boolean {
  if (!(error instanceof StatementError)) return false
  return !error.isSent || isRefusal(error.code)
}

/** An answer of the server, and none that says it was stopped on the way. */
function isRefusal(code: string): boolean {
  return /^[0-9A-Z]{5}$/.test(code) && !/^(?:08|57P|58|XX|40003)/.test(code)
}

export function readFailure(error: unknown): unknown {
  if (!(error instanceof StatementError)) return error
  return new CoatcheckError('storage_failed', `Cannot read from the database: ${describe(error)}`)
}

/** `isCommitting`: whether what the server may have got would have committed. */
export function writeFailure(error: unknown, isCommitting = true): unknown {
  if (!(error instanceof StatementError)) return error
  const { code } = error
  if (code === '53100') {
    return new CoatcheckError('storage_full', 'Cannot write: the disk of the database is full')
  }
  if (isSurelyUndone(error) || !isCommitting) {
    return new CoatcheckError('storage_failed', `Cannot write to the database: ${describe(error)}`)
  }
  return new CoatcheckError(
    'outcome_unknown',
    `Cannot tell whether it was written: ${describe(error)}`,
  )
}

/** What went wrong before anything could be asked of a store. */
export function openFailure(error: unknown): unknown {
  if (!(error instanceof StatementError)) return error
  return new OpenError('unfit', `Cannot use the database: ${describe(error)}`)
}

/** What each host said: names, addresses and SQLSTATEs, no password. */
export function unreachable(error: unknown): OpenError {
  const reason = error instanceof Error ? error.message : String(error)
  return new OpenError('unreachable', `Cannot reach the database: ${reason}`)
}

const WORDS: Readonly<Record<string, string>> = {
  connection: 'the connection was lost, or there is none',
  overdue: 'the database has not confirmed it in time',
  42501: 'its user lacks a right (SQLSTATE 42501), such as to make tables in the schema',
  warned: 'the database confirmed it with a warning: a standby may not have it',
}

/** The server's own words may quote data. */
function describe({ code }: StatementError): string {
  return WORDS[code] ?? `it answered SQLSTATE ${code}`
}
