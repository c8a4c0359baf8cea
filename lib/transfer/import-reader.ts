/** Reads the records of an import as sessions. */
import { isUtf8 } from 'node:buffer'
import { CoatcheckError } from '../base/errors.ts'
import { checkLimits, type SessionLimits } from '../session/limits.ts'
import type { Session } from '../session/session.ts'
import { parseSessionLine } from './session-line.ts'
import { type InputRecord, RECORD_LIMIT_BYTES } from './input-records.ts'

/** A session that can be read, with its line and, in an object of several, its position from 1. */
export type ImportItem = {
  readonly line: number
  readonly entry?: number
  /** Throws a `CoatcheckError` if it is not a session. */
  read(now: number): Session
}

export type ImportReader = {
  /** Whether `recordsOf` may cut an object of many keys into pieces. */
  readonly takesPieces: boolean
  /** The items that are complete with this record. */
  take(record: InputRecord): readonly ImportItem[]
  /** The items that were waiting for more records. */
  end(): readonly ImportItem[]
}

/** Reads exported sessions and holds them to these limits. */
export function createOwnReader(limits: SessionLimits): ImportReader {
  function read(text: Buffer | undefined, now: number): Session {
    const session = parseSessionLine(decodeRecord(text), now)
    checkLimits(session, limits)
    return session
  }

  return {
    takesPieces: false,
    take: ({ line, text }) => [{ line, read: (now) => read(text, now) }],
    end: () => [],
  }
}

/** Throws `invalid_argument` for a record that was too long to be kept, and `invalid_utf8`. */
export function decodeRecord(text: Buffer | undefined): string {
  if (text === undefined) {
    throw new CoatcheckError(
      'invalid_argument',
      `Cannot read it: over ${RECORD_LIMIT_BYTES} bytes; write one session a line`,
    )
  }
  if (isUtf8(text)) return text.toString('utf8')
  throw new CoatcheckError('invalid_utf8', 'Cannot read it: it is not UTF-8')
}

/** An item that throws the refusal when it is read; any other error is thrown at once. */
export function wrongRecord(line: number, error: unknown): ImportItem {
  if (!(error instanceof CoatcheckError)) throw error
  return {
    line,
    read: () => {
      throw error
    },
  }
}
