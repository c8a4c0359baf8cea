/**
 * Everything that requests can do to sessions: find, change, create, renew, list, count and end. An id is
 * a full id (`session/session-id.ts`) everywhere here; one that is reserved is that of no session.
 */
import type { Clock } from '../base/clock.ts'
import { CoatcheckError } from '../base/errors.ts'
import { type MaybePromise, whenThere } from '../base/maybe-promise.ts'
import type { JsonText } from '../json/json.ts'
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
import type { ActiveCount } from '../session/recent-activity.ts'
import { isReservedId } from '../session/reserved-id.ts'
import { ABSENT } from '../session/retention.ts'
import {
  type EndReason,
  type Found,
  isLive,
  type Session,
  type SessionKey,
  type Tombstone,
  touchSession,
} from '../session/session.ts'
import { appOf } from '../session/session-id.ts'
import {
  createSecretCheck,
  DECOY_HASH,
  hashSecret,
  isToken,
  mintToken,
  renderToken,
  splitToken,
  type Token,
} from '../session/token.ts'
import type { Selection } from '../store/selection.ts'
import type {
  ActiveQuery,
  Changed as StoreChanged,
  EndedCount,
  EndSelection,
  ListQuery,
  Page,
  Store,
} from '../store/store.ts'

export type Sessions = {
  /**
   * Returns the session that a token opens; absent if the token is missing, malformed or unknown, or
   * its secret is wrong. The time that it takes does not tell which.
   */
  authenticate(token: string | undefined): MaybePromise<Found>
  /** Returns the session of this id, for callers that need no token: back ends. */
  find(id: string): MaybePromise<Found>
  /**
   * Returns the session if it is live. Throws `session_not_found` or `session_ended`, or rejects with
   * them if the store must be asked again. Counts as activity unless `touch` is false.
   */
  get(found: Found, touch: boolean): MaybePromise<Session>
  /**
   * Applies an operation to a live session; rejects as `get` does if there is none. A session whose
   * `sub` changes gets a new id and token, too.
   */
  change(found: Found, operation: Operation): Promise<Changed>
  /**
   * Applies an operation to a live session, or else to a new, empty one. Rejects as `get` does if the
   * session was renewed: its holder may have the new token already, and a new session would replace it.
   * What a holder begins so is in the app without a name.
   */
  changeOrCreate(found: Found, operation: Operation, device: FindDevice): Promise<Changed>
  /** Creates a session with a token for a back end, in this app. */
  create(app: string | undefined, draft: SessionDraft, device: FindDevice): Promise<Changed>
  /**
   * Replaces the whole session of this id, or creates it without a token. Rejects with
   * `session_ended` if the id has ended.
   */
  put(
    id: string,
    draft: SessionDraft,
    device: FindDevice,
    when?: Precondition,
  ): Promise<Changed & { readonly created: boolean }>
  /** Gives a live session a new id in its app, and a new secret; the old token opens nothing from then on. */
  renew(found: Found, when?: Precondition): Promise<Changed>
  /** Ends a live session for good. */
  end(found: Found, reason: EndReason, when?: Precondition): Promise<void>
  /** As the store lists them. */
  list(query: ListQuery): Promise<Page>
  /** As the store counts them. */
  count(which: Selection): Promise<number>
  /** As the store counts who was active, up to now. */
  countActive(query: ActiveQuery): Promise<ActiveCount>
  /**
   * Revokes live sessions. Ends only a part, and says that there are more, if they are too many for
   * one call or storage fails on the way.
   */
  endMany(which: EndSelection): Promise<EndedCount>
}

/**
 * `token`: the holder's new token, if there is one; it is seen only here. `evicted`: the ids that made
 * room when the session got its `sub`.
 */
export type Changed = {
  readonly session: Session
  readonly value?: JsonText
  readonly token?: string
  readonly evicted?: readonly string[]
}

type HandedOut = Pick<Changed, 'token'>

/** Called only if a session is created: what to keep of its creator, null for nothing. */
export type FindDevice = () => JsonText | null

export type SessionsOptions = {
  readonly store: Store
  readonly clock: Clock
  readonly limits: SessionLimits
}

/** As many sessions as one call ends, so that it returns in time. */
const END_LIMIT = 10_000

export function createSessions({ store, clock, limits }: SessionsOptions): Sessions {
  const { matchesLive, matchesOther } = createSecretCheck()

  async function change(found: Found, operation: Operation): Promise<Changed> {
    const session = requireLive(found)
    const changed = await tryChange(session.id, operation)
    return { ...changed, session: requireLive(changed) }
  }

  function tryChange(id: string, operation: Operation): Promise<StoreChanged & HandedOut> {
    // control: fixation
    return mayWriteClaims(operation)
      ? tryChangeClaims(id, operation)
      : store.change(id, clock.now(), operation)
  }

  async function tryChangeClaims(
    id: string,
    operation: ClaimsOperation,
  ): Promise<StoreChanged & HandedOut> {
    // control: renewed-in-app
    const token = mintToken(clock.now(), appOf(id))
    const changed = await store.change(id, clock.now(), { ...operation, renewal: keyOf(token) })
    const isRenewed = changed.state === 'live' && changed.session.id === token.id
    return isRenewed ? { ...changed, token: renderToken(token) } : changed
  }

  async function createWithToken(
    app: string | undefined,
    operation: Operation,
    device: FindDevice,
  ): Promise<Changed> {
    const token = mintToken(clock.now(), app)
    const begun = begin(keyOf(token), operation, device)
    const { inserted, evicted } = await store.insert(begun.session)
    if (!inserted) throw new Error('A fresh id was in use already')
    return { ...begun, evicted, token: renderToken(token) }
  }

  function begin(key: SessionKey, operation: Operation, device: FindDevice): Applied {
    // A session that does not exist has no version: `required` fails and `excluded` holds.
    if (operation.when?.required !== undefined) {
      throw new CoatcheckError(
        'precondition_failed',
        'Cannot write: there is no session, and the write requires one',
        {},
        { hint: 'version_required' },
      )
    }
    return beginSession(key, operation, device(), clock.now(), limits)
  }

  return {
    authenticate(text) {
      if (text === undefined) return ABSENT
      const { id, secret } = splitToken(text)
      // control: reserved-opens-nothing
      if (isReservedId(id)) return ABSENT
      const looked = store.find(id, clock.now())
      return whenThere(looked, (found) => {
        const hash = secretHashOf(found) ?? DECOY_HASH
        const matches =
          found.state === 'live' ? matchesLive(secret, hash) : matchesOther(secret, hash)
        // control: secret-required
        if (matches && isToken(text)) return found
        // control: no-adopted-id
        if (found.state !== 'live') return ABSENT
        // The caller's part of equal time (see `Store`): a session at hand was found without a search, an
        // unknown id was searched for. This search makes up for it.
        if (looked instanceof Promise) return ABSENT
        // control: equal-time
        return whenThere(store.find(decoyOf(id), clock.now()), () => ABSENT)
      })
    },

    get(found, touch) {
      const session = requireLive(found)
      if (!touch) return session
      const now = clock.now()
      // It may have expired since it was found, and a touch must not revive it.
      if (!isLive(session, now)) return whenThere(store.find(session.id, now), requireLive)
      return whenThere(store.touch(session.id, now), () => touchSession(session, now))
    },

    // control: reserved-unnamed
    find: (id) => (isReservedId(id) ? ABSENT : store.find(id, clock.now())),

    change,

    async changeOrCreate(found, operation, device) {
      let latest = found
      if (found.state === 'live') {
        const changed = await tryChange(found.session.id, operation)
        // It may have ended since it was found.
        if (changed.state === 'live') return changed
        latest = changed
      }
      // control: renewed-token-begins-nothing
      if (latest.state === 'ended' && latest.tombstone.reason === 'renewed') requireLive(latest)
      return await createWithToken(undefined, operation, device)
    },

    create: (app, draft, device) => createWithToken(app, { name: 'replace', ...draft }, device),

    async put(id, draft, device, when) {
      const operation = { name: 'replace', ...draft, ...(when && { when }) } as const
      // Others may create or end it in between. Each step is atomic, so the next `find` decides.
      for (;;) {
        const found = await store.find(id, clock.now())
        if (found.state === 'absent') {
          const begun = begin({ id, secretHash: null }, operation, device)
          // Not inserted if the id came into use meanwhile, even if that session has ended since.
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
      const token = mintToken(clock.now(), appOf(requireLive(found).id))
      const operation = { name: 'renew', renewal: keyOf(token), ...(when && { when }) } as const
      return { ...(await change(found, operation)), token: renderToken(token) }
    },

    async end(found, reason, when) {
      const session = requireLive(found)
      requireLive(await store.end(session.id, clock.now(), reason, when))
    },

    list: (query) => store.list(query, clock.now()),

    count: (which) => store.count(which, clock.now()),

    countActive: (query) => store.active(query, clock.now()),

    // control: end-many-scope
    endMany: (which) => store.endMany(which, clock.now(), 'revoked', END_LIMIT),
  }
}

/** An id like this one that no session can have: a line feed cannot be seen. */
function decoyOf(id: string): string {
  return `${id.slice(0, -1)}\n`
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
    case 'ended':
      throw hasEnded(found.tombstone)
    case 'absent':
      throw new CoatcheckError(
        'session_not_found',
        'Cannot find a session: there is no token, or it opens none',
        {},
        { hint: 'start_session' },
      )
  }
}

function hasEnded({ reason, endedAt }: Tombstone): CoatcheckError {
  const facts = { reason, endedAt: new Date(endedAt).toISOString() }
  if (reason === 'renewed') {
    return new CoatcheckError(
      'session_ended',
      'Cannot use the session under this token: it was renewed and goes on under another one, ' +
        'which an answer has handed out; use the newest token',
      facts,
    )
  }
  return new CoatcheckError(
    'session_ended',
    'Cannot use the session: it has ended, and stays so',
    facts,
    { hint: 'start_another_session' },
  )
}
