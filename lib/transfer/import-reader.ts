/** Reads the records of an import: sessions, and what else an export may have. */
import { isUtf8 } from 'node:buffer'
import { CoatcheckError } from '../base/errors.ts'
import { checkLimits, DEEPEST, type SessionLimits } from '../session/limits.ts'
import { kindOf, parseJson, parseObject } from '../json/json.ts'
import type { Session, Tombstone } from '../session/session.ts'
import type { ApiKey } from '../store/key-store.ts'
import { parseKey } from './api-key-line.ts'
import { parseEnd } from './end-line.ts'
import { LINE, parseSessionLine } from './session-line.ts'
import { type InputRecord, RECORD_LIMIT_BYTES } from './input-records.ts'

/** What an export has beside sessions where it is asked for everything. */
export type Kept = { readonly ended: Tombstone } | { readonly apiKey: ApiKey }

/** A thing that can be read, with its line and, in an object of several, its position from 1. */
export type ImportItem<Thing = Session> = {
  readonly line: number
  readonly entry?: number
  /** Throws a `CoatcheckError` if it is no such thing. */
  read(now: number): Thing
}

export type ImportReader<Thing = Session> = {
  /** Whether `recordsOf` may cut an object of many keys into pieces. */
  readonly takesPieces: boolean
  /** The items that are complete with this record. */
  take(record: InputRecord): readonly ImportItem<Thing>[]
  /** The items that were waiting for more records. */
  end(): readonly ImportItem<Thing>[]
}

/** Reads exported things, and holds sessions to these limits. */
export function createOwnReader(limits: SessionLimits): ImportReader<Session | Kept> {
  function read(record: Buffer | undefined, now: number): Session | Kept {
    const text = decodeRecord(record)
    if (KEPT.test(text)) return parseKept(text)
    const session = parseSessionLine(text, now)
    checkLimits(session, limits)
    return session
  }

  return {
    takesPieces: false,
    take: ({ line, text }) => [{ line, read: (now) => read(text, now) }],
    end: () => [],
  }
}

/** The kinds of lines beside sessions, by their only member; no session has one of this name. */
const KEPT = /^\s*\{\s*"(?:ended|apiKey)"\s*:/

function parseKept(text: string): Kept {
  const members = parseObject(parseJson(text, DEEPEST, LINE))
  const [[kind, object = ''] = [], other] = members
  if (other !== undefined || kindOf(object) !== 'object') {
    throw new CoatcheckError(
      'invalid_argument',
      'Cannot read the line: "ended" and "apiKey" must each be an object, and the only member of theirs',
    )
  }
  return kind === 'ended' ? { ended: parseEnd(object) } : { apiKey: parseKey(object) }
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
