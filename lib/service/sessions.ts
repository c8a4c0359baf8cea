/** What a request can do to sessions: finds them, changes, creates, renews, lists and ends them. */
import type { Clock } from '../base/clock.ts'
import { CoatcheckError } from '../base/errors.ts'
import type { JsonText } from '../json/text.ts'
import { type MaybePromise, whenThere } from '../base/maybe-promise.ts'
import { beginSession } from '../session/new-session.ts'
import {
  type Applied,
  type ClaimsOperation,
  mayWriteClaims,
  type Operation,
  type SessionDraft,
} from '../session/operations.ts'
import type { Precondition } from '../session/precondition.ts'
import type { SessionLimits } from '../session/limits.ts'
import {
  type EndReason,
  type Found,
  isLive,
  type Session,
  type SessionKey,
  touchSession,
} from '../session/session.ts'
import {
  createSecretCheck,
  hashSecret,
  isToken,
  mintToken,
  renderToken,
  secretMatches,
  splitToken,
  type Token,
} from '../session/token.ts'
import type {
  Changed as StoreChanged,
  EndedCount,
  ListQuery,
  Page,
  Selection,
  Store,
} from '../store/store.ts'

export type Sessions = {
  /**
   * The session that a token opens. Absent for a token that is missing, malformed or unknown or
   * whose secret is wrong, and the time it takes does not tell which.
   */
  authenticate(token: string | undefined): MaybePromise<Found>
  /** The session of this id, for those who need no token: back ends. */
  find(id: string): MaybePromise<Found>
  /**
   * The live session among what was found; throws `session_not_found` or `session_ended`, or rejects
   * where it must look again. Counts as activity unless `touch` is false.
   */
  get(found: Found, touch: boolean): MaybePromise<Session>
  /**
   * Applies an operation to a live session; throws as `get` does where there is none (any more). A
   * session that gets another `sub` by it gets another id and token, too.
   */
  change(found: Found, operation: Operation): Promise<Changed>
  /**
   * Applies an operation to a live session, or to an empty one that it creates for the purpose. Where
   * the session ended by `renewed` throws as `get` does: its holder may have the new token already,
   * and a new session would take its place.
   */
  changeOrCreate(found: Found, operation: Operation, device: FindDevice): Promise<Changed>
  /** Creates a session with a token, as the back end wants it. */
  create(draft: SessionDraft, device: FindDevice): Promise<Changed>
  /**
   * Replaces the whole session of this id; where there is none, creates it, with no token to open
   * it. Throws `session_ended` for an id that has ended.
   */
  put(
    id: string,
    draft: SessionDraft,
    device: FindDevice,
    when?: Precondition,
  ): Promise<Changed & { readonly created: boolean }>
  /** Gives a live session a new id and a new secret; the old token is dead at once. */
  renew(found: Found, when?: Precondition): Promise<Changed>
  /** Ends a live session for good. */
  end(found: Found, reason: EndReason, when?: Precondition): Promise<void>
  /** As the store lists them. */
  list(query: ListQuery): Promise<Page>
  /**
   * Revokes live sessions; of so many that it takes a while, or where storage gives out on the way, a
   * part, and says that there are more.
   */
  endMany(which: Selection): Promise<EndedCount>
}

/**
 * `token` is there when the holder needs to be given a new one: this is the only time it is seen.
 * `evicted` is there when the session got its `sub`: the ids that made room for it.
 */
export type Changed = {
  readonly session: Session
  readonly value?: JsonText
  readonly token?: string
  readonly evicted?: readonly string[]
}

type HandedOut = Pick<Changed, 'token'>

/** Asked only where a session is created: what is kept of who does so, null for nothing. */
export type FindDevice = () => JsonText | null

export type SessionsOptions = {
  readonly store: Store
  readonly clock: Clock
  readonly limits: SessionLimits
}

const DECOY_HASH = hashSecret('no secret has this hash, for every secret has 43 characters')

/** Ended in one call, so that it is answered in time. */
const END_LIMIT = 10_000

const ABSENT: Found = { state: 'absent' }

export function createSessions({ store, clock, limits }: SessionsOptions): Sessions {
  const secretMatchesLately = createSecretCheck()

  async function change(found: Found, operation: Operation): Promise<Changed> {
    const session = requireLive(found)
    const changed = await tryChange(session.id, operation)
    return { ...changed, session: requireLive(changed) }
  }

  function tryChange(id: string, operation: Operation): Promise<StoreChanged & HandedOut> {
    return mayWriteClaims(operation)
      ? tryChangeClaims(id, operation)
      : store.change(id, clock.now(), operation)
  }

  async function tryChangeClaims(
    id: string,
    operation: ClaimsOperation,
  ): Promise<StoreChanged & HandedOut> {
    const token = mintToken(clock.now())
    const changed = await store.change(id, clock.now(), { ...operation, renewal: keyOf(token) })
    const isRenewed = changed.state === 'live' && changed.session.id === token.id
    return isRenewed ? { ...changed, token: renderToken(token) } : changed
  }

  async function createWithToken(operation: Operation, device: FindDevice): Promise<Changed> {
    const token = mintToken(clock.now())
    const begun = begin(keyOf(token), operation, device)
    const { inserted, evicted } = await store.insert(begun.session)
    if (!inserted) throw new Error('A fresh id was in use already')
    return { ...begun, evicted, token: renderToken(token) }
  }

  function begin(key: SessionKey, operation: Operation, device: FindDevice): Applied {
    // What does not exist matches no tag: If-Match fails for it, and If-None-Match holds.
    if (operation.when?.ifMatch !== undefined) {
      throw new CoatcheckError(
        'precondition_failed',
        'Cannot write: If-Match asks for a session that is there, and there is none',
      )
    }
    return beginSession(key, operation, device(), clock.now(), limits)
  }

  return {
    authenticate(text) {
      if (text === undefined) return ABSENT
      const { id, secret } = splitToken(text)
      return whenThere(store.find(id, clock.now()), (found) => {
        // Of what has ended nothing is remembered: to look up the hash of a tombstone, a new text each
        // time, would take longer than to look up that of none.
        const check = found.state === 'live' ? secretMatchesLately : secretMatches
        const matches = check(secret, secretHashOf(found) ?? DECOY_HASH)
        if (matches && isToken(text)) return found
        // The caller's part of equal time, see `Store`: a live session may have been at hand, an unknown id
        // was searched for. One more search makes up for it, so that a wrong secret tells nothing.
        if (found.state !== 'live') return ABSENT
        return whenThere(store.find(decoyOf(id), clock.now()), () => ABSENT)
      })
    },

    get(found, touch) {
      const session = requireLive(found)
      if (!touch) return session
      const now = clock.now()
      // It may have died since it was found, and a touch must not revive it.
      if (!isLive(session, now)) return whenThere(store.find(session.id, now), requireLive)
      store.touch(session.id, now)
      return touchSession(session, now)
    },

    find: (id) => store.find(id, clock.now()),

    change,

    async changeOrCreate(found, operation, device) {
      let latest = found
      if (found.state === 'live') {
        const changed = await tryChange(found.session.id, operation)
        // It may have ended since it was found: then this is a write with a dead token.
        if (changed.state === 'live') return changed
        latest = changed
      }
      if (latest.state === 'ended' && latest.tombstone.reason === 'renewed') requireLive(latest)
      return await createWithToken(operation, device)
    },

    create: (draft, device) => createWithToken({ name: 'replace', ...draft }, device),

    async put(id, draft, device, when) {
      const operation = { name: 'replace', ...draft, ...(when && { when }) } as const
      // Others may create or end it in between: each step is atomic, so the next look decides.
      for (;;) {
        const found = await store.find(id, clock.now())
        if (found.state === 'absent') {
          const begun = begin({ id, secretHash: null }, operation, device)
          // Not where the id has come into use meanwhile, or its session has even ended since.
          const { inserted, evicted } = await store.insert(begun.session)
          if (inserted) return { ...begun, evicted, created: true }
        } else {
          const changed = await tryChange(requireLive(found).id, operation)
          if (changed.state !== 'absent') {
            return { ...changed, session: requireLive(changed), created: false }
          }
        }
      }
    },

    async renew(found, when) {
      const token = mintToken(clock.now())
      const operation = { name: 'renew', renewal: keyOf(token), ...(when && { when }) } as const
      return { ...(await change(found, operation)), token: renderToken(token) }
    },

    async end(found, reason, when) {
      const session = requireLive(found)
      requireLive(await store.end(session.id, clock.now(), reason, when))
    },

    list: (query) => store.list(query, clock.now()),

    endMany: (which) => store.endMany(which, clock.now(), 'revoked', END_LIMIT),
  }
}

/** Beside this one, an id that no session has: neither a minted one, nor one that a back end chose. */
function decoyOf(id: string): string {
  return `${id.slice(0, -1)}.`
}

function keyOf(token: Token): SessionKey {
  return { id: token.id, secretHash: hashSecret(token.secret) }
}

function secretHashOf(found: Found): string | null {
  switch (found.state) {
    case 'live':
      return found.session.secretHash
    case 'ended':
      return found.tombstone.secretHash
    case 'absent':
      return null
  }
}

function requireLive(found: Found): Session {
  switch (found.state) {
    case 'live':
      return found.session
    case 'ended': {
      const { reason, endedAt } = found.tombstone
      throw new CoatcheckError(
        'session_ended',
        reason === 'renewed'
          ? 'Cannot use the session under this token: it was renewed and goes on under another one, ' +
              'which an answer has handed out; use the newest token'
          : 'Cannot use the session: it has ended, and stays so; PUT /session/KEY without its token ' +
              'starts a new one, for a back end POST /sessions does',
        { reason, endedAt: new Date(endedAt).toISOString() },
      )
    }
    case 'absent':
      throw new CoatcheckError(
        'session_not_found',
        'Cannot find a session: there is no token, or it opens none; ' +
          'PUT /session/KEY starts one and sets its cookie, for a back end POST /sessions does',
      )
  }
}
