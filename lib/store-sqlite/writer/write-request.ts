/** What is asked of the writer and what it answers: plain data, since both cross a thread. */
import type { ErrorCode, ErrorFacts } from '../../base/errors.ts'
import type { Operation } from '../../session/operations.ts'
import type { Precondition } from '../../session/precondition.ts'
import type { EndReason, Found, Session } from '../../session/session.ts'
import type { ApiKey } from '../../store/key-store.ts'
import type { Changed, Inserted, Selection } from '../../store/store.ts'

export type WriteRequest =
  | InsertRequest
  | ChangeRequest
  | EndRequest
  | EndManyRequest
  | TouchRequest
  | { readonly kind: 'add_api_key'; readonly key: ApiKey }
  | { readonly kind: 'revoke_api_key'; readonly name: string; readonly revokedAt: number }
  /** A command's: this batch ends sessions that a running server may keep in memory. */
  | { readonly kind: 'change_outside' }
  /** The server's: it has taken note of so many of these. */
  | { readonly kind: 'see_outside'; readonly made: number }

export type TouchRequest = { readonly kind: 'touch'; readonly seen: readonly Seen[] }

/** A session and the moment of its activity. */
export type Seen = readonly [id: string, seenAt: number]

export type InsertRequest = Pick<Named, 'seenAt'> & {
  readonly kind: 'insert'
  readonly session: Session
}

export type ChangeRequest = Named & { readonly kind: 'change'; readonly operation: Operation }

export type EndRequest = Named & {
  readonly kind: 'end'
  readonly graceMs?: number
  readonly reason: EndReason
  readonly when: Precondition | undefined
}

export type EndManyRequest = Selection & {
  readonly kind: 'end_many'
  /**
   * For a command beside a server, which may know of activity that the file does not show yet: what
   * has expired in the file for less than this may be live, and is ended as if it were.
   */
  readonly graceMs?: number
  readonly now: number
  readonly reason: EndReason
  readonly limit: number
}

/** `seenAt`: activity of this session that the file does not know of yet, 0 for none. */
type Named = { readonly id: string; readonly now: number; readonly seenAt: number }

/** What became of a request. */
export type WriteOutcome =
  | { readonly ok: true; readonly answer: WriteAnswer }
  | { readonly ok: false; readonly refusal: Refusal }

/** As the store's contract has it for the kind of the request. */
export type WriteAnswer = Inserted | Changed | Found | EndedMany | boolean | undefined

/** `more`: some may be left, since so many as asked for have ended, or others wait. */
export type EndedMany = { readonly ids: readonly string[]; readonly more: boolean }

/** A `CoatcheckError` as plain data. */
export type Refusal = {
  readonly code: ErrorCode
  readonly message: string
  readonly facts: ErrorFacts
}
