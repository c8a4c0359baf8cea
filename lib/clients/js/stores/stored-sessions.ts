/** Sessions that a framework loads, changes and saves as a whole, so that no change is lost. */
import { askOf, isGone, MINIMAL, parseRead } from '../ask.ts'
import type { Client } from '../client.ts'
import { findDifference, type JsonObject, mergeChanges } from './difference.ts'
import { errorOf } from '../errors.ts'
import { ifVersion } from '../sessions.ts'
import type { Answer } from '../transport/response-parser.ts'

/** A session as it was read: the text of the response, which costs nothing to keep. */
export type Stored = {
  readonly data: JsonObject
  readonly expiresAt: string
  readonly text: string
  readonly etag: string | undefined
}

/** What the caller's change began from. */
export type Before = {
  readonly data: JsonObject
  /** Undefined where others may have written since. */
  readonly etag: string | undefined
}

/** Seconds; `null` for a session that lives as long as it is used. */
export type Limits = { readonly idleTimeout?: number; readonly lifetime?: number | null }

export type StoredSessions = {
  /** Undefined where there is none, or it has ended. */
  find(id: string): Promise<Stored | undefined>
  /** Begins a session; one that has ended stays so. */
  put(id: string, data: JsonObject, limits: Limits): Promise<void>
  /**
   * Makes of what the session is by now what it would be, had the caller's change been made to it:
   * `before` is what the caller has read. Nothing is sent if there is no change, and nothing is done to
   * a session that has ended.
   */
  save(id: string, before: Before, after: JsonObject, limits: Limits | undefined): Promise<void>
  /** As `DELETE` does; for one that is not there, nothing. */
  end(id: string): Promise<void>
  /** Those whose ids begin so. */
  list(prefix: string): AsyncIterable<{
    readonly id: string
    readonly data: JsonObject
    readonly expiresAt: string
  }>
}

/** Each time at least one of those who write at once is done. */
const MAX_ROUNDS = 100

export function createStoredSessions(client: Client<never>): StoredSessions {
  const ask = askOf(client)

  async function find(id: string): Promise<Stored | undefined> {
    const answer = await ask('read', 'GET', `/sessions/${id}`, '')
    if (isGone(answer)) return undefined
    if (answer.status >= 400) throw errorOf(answer)
    const { data, expiresAt } = parseRead<{ data: JsonObject; expiresAt: string }>(answer)
    return { data, expiresAt, text: answer.body, etag: answer.etag }
  }

  return {
    find,

    async put(id, data, limits) {
      const body = JSON.stringify({ data, ...limits })
      finish(await ask('write', 'PUT', `/sessions/${id}`, MINIMAL, body))
    },

    async save(id, base, change, limits) {
      let before = base.data
      let after = change
      let { etag } = base
      for (let round = 1; ; round++) {
        const difference = findDifference(before, after)
        if (difference === undefined && limits === undefined) return
        const { edits = {}, needsVersion = false } = difference ?? {}
        // After a save of the same request, what others have done is not known.
        if (!needsVersion || etag !== undefined) {
          const fields = needsVersion && etag !== undefined ? ifVersion(etag) + MINIMAL : MINIMAL
          const patch = JSON.stringify(limits === undefined ? edits : { ...edits, ...limits })
          const answer = await ask('write', 'PATCH', `/sessions/${id}`, fields, patch)
          // Somebody else has written, and our edits do not fit what is there.
          if (!isConflict(answer) || round === MAX_ROUNDS) return finish(answer)
        }
        const theirs = await find(id)
        if (theirs === undefined) return
        // control: client-merges-anew
        after = mergeChanges(before, after, theirs.data)
        before = theirs.data
        etag = theirs.etag
      }
    },

    async end(id) {
      finish(await ask('write', 'DELETE', `/sessions/${id}`, ''))
    },

    async *list(prefix) {
      for await (const session of client.sessions.list({ pageSize: 1_000 })) {
        if (session.id.startsWith(prefix)) yield session
      }
    },
  }
}

/**
 * 412: another version. 409 `wrong_type`: no list or object any more where there was one.
 */
function isConflict(answer: Answer): boolean {
  return answer.status === 412 || (answer.status === 409 && errorOf(answer).code === 'wrong_type')
}

/** Done, or done with: a session that has ended takes no late write, and that is no failure. */
function finish(answer: Answer): void {
  // control: client-log-out-is-final
  if (answer.status >= 400 && !isGone(answer)) throw errorOf(answer)
}
