/** What a request can do to a session: finds it by its token, changes it, creates, renews, ends it. */
import type { Clock } from './clock.ts'
import { CoatcheckError } from './errors.ts'
import type { JsonText } from './json/text.ts'
import { applyOperation, type Operation } from './session/operations.ts'
import type { Precondition } from './session/precondition.ts'
import type { SessionRules } from './session/rules.ts'
import {
  type EndReason,
  expireSession,
  type Found,
  isLive,
  type Session,
  touchSession,
} from './session/session.ts'
import {
  hashSecret,
  mintToken,
  parseToken,
  renderToken,
  secretMatches,
  type Token,
} from './session/token.ts'
import type { Store } from './store/store.ts'

export type Sessions = {
  /**
   * The session that a token opens. Absent for a token that is missing, malformed or unknown or
   * whose secret is wrong, and the time it takes does not tell which.
   */
  authenticate(token: string | undefined): Promise<Found>
  /**
   * The live session among what was found; throws `session_not_found` or `session_ended`. Counts as
   * activity unless `touch` is false.
   */
  get(found: Found, touch: boolean): Session
  /** Applies an operation to a live session; throws as `get` does where there is none (any more). */
  change(found: Found, operation: Operation): Promise<Changed>
  /** Applies an operation to a live session, or to an empty one that it creates for the purpose. */
  changeOrCreate(found: Found, operation: Operation): Promise<Changed>
  /** Gives a live session a new id and a new secret; the old token is dead at once. */
  renew(found: Found, when?: Precondition): Promise<Changed>
  /** Ends a live session for good. */
  end(found: Found, reason: EndReason, when?: Precondition): Promise<void>
}

/** `token` is there when the holder needs to be given a new one: this is the only time it is seen. */
export type Changed = {
  readonly session: Session
  readonly value?: JsonText
  readonly token?: string
}

export type SessionsOptions = {
  readonly store: Store
  readonly clock: Clock
  readonly rules: SessionRules
}

/** What is looked up where there is no token, so that this takes as long as where there is one. */
const DECOY: Token = { id: '-'.repeat(21), secret: '' }
const DECOY_HASH = hashSecret('no secret has this hash, for every secret has 43 characters')
const ABSENT: Found = { state: 'absent' }

export function createSessions({ store, clock, rules }: SessionsOptions): Sessions {
  async function change(found: Found, operation: Operation): Promise<Changed> {
    const session = requireLive(found)
    const changed = await store.change(session.id, clock.now(), operation)
    return { ...changed, session: requireLive(changed) }
  }

  async function create(operation: Operation): Promise<Changed> {
    // What does not exist matches no tag: If-Match fails for it, and If-None-Match holds.
    const { when, ...unconditional } = operation
    if (when?.ifMatch !== undefined) {
      throw new CoatcheckError(
        'precondition_failed',
        'Cannot write: If-Match asks for a session that is there, and there is none',
      )
    }
    const token = mintToken()
    const now = clock.now()
    const { session, value } = applyOperation(emptySession(token, now, rules), unconditional, rules)
    if (!(await store.insert(session))) throw new Error('A fresh id was in use already')
    const created = { session, token: renderToken(token) }
    return value === undefined ? created : { ...created, value }
  }

  return {
    async authenticate(text) {
      if (text === undefined) return ABSENT
      const token = parseToken(text) ?? DECOY
      const found = await store.find(token.id, clock.now())
      return secretMatches(token.secret, secretHashOf(found) ?? DECOY_HASH) ? found : ABSENT
    },

    get(found, touch) {
      const session = requireLive(found)
      if (!touch) return session
      const now = clock.now()
      // It may have died since it was found, and a touch must not revive it.
      if (!isLive(session, now)) {
        return requireLive({ state: 'ended', tombstone: expireSession(session) })
      }
      store.touch(session.id, now)
      return touchSession(session, now)
    },

    change,

    async changeOrCreate(found, operation) {
      if (found.state === 'live') {
        const changed = await store.change(found.session.id, clock.now(), operation)
        // It may have ended since it was found: then this is a write with a dead token.
        if (changed.state === 'live') return changed
      }
      return await create(operation)
    },

    async renew(found, when) {
      const token = mintToken()
      const changed = await change(found, {
        name: 'renew',
        id: token.id,
        secretHash: hashSecret(token.secret),
        ...(when === undefined ? {} : { when }),
      })
      return { ...changed, token: renderToken(token) }
    },

    async end(found, reason, when) {
      const session = requireLive(found)
      requireLive(await store.end(session.id, clock.now(), reason, when))
    },
  }
}

function emptySession(token: Token, now: number, rules: SessionRules): Session {
  return {
    id: token.id,
    secretHash: hashSecret(token.secret),
    data: '{}',
    claims: '{}',
    permanent: false,
    createdAt: now,
    lastSeenAt: now,
    ...rules.ordinary,
    version: 0,
  }
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
        'Cannot use the session: it has ended; a write without its token starts a new one',
        { reason, endedAt: new Date(endedAt).toISOString() },
      )
    }
    case 'absent':
      throw new CoatcheckError(
        'session_not_found',
        'Cannot find a session: there is no token, or it opens none; ' +
          'PUT /session/KEY starts one and sets its cookie',
      )
  }
}
