/**
 * Log-ins at the dashboard. Each is a session with a reserved id, which remembers the API key that it was
 * begun with, by the hash: its rights are those of that key, as long as it is in force. A key of the same
 * name that is made later is another one.
 */
import type { Clock } from '../base/clock.ts'
import { isReservedId, reservedId } from '../session/reserved-id.ts'
import type { Session } from '../session/session.ts'
import {
  hashSecret,
  isHash,
  mintToken,
  renderToken,
  secretMatches,
  splitToken,
} from '../session/token.ts'
import type { Store } from '../store/store.ts'
import type { ApiKeys, BackEnd } from './api-keys.ts'

/** Who looks at the dashboard. */
export type Viewer = {
  /** The id of the session. */
  readonly id: string
  readonly backEnd: BackEnd
}

export type Dashboards = {
  /** Logs in with a key that is in force; returns the token for the cookie. */
  begin(key: string): Promise<string>
  /**
   * Who has this token. Undefined where it opens no dashboard, or its key is no longer in force: then the
   * session has ended, too. Counts as activity unless `touch` is false.
   */
  find(token: string | undefined, touch?: boolean): Promise<Viewer | undefined>
  /** Whether the dashboard is still logged in; no activity. */
  isLive(viewer: Viewer): Promise<boolean>
  logOut(viewer: Viewer): Promise<void>
}

const IDLE_TIMEOUT_MS = 30 * 60_000
const LIFETIME_MS = 12 * 60 * 60_000

export type DashboardsOptions = {
  readonly store: Pick<Store, 'find' | 'insert' | 'end' | 'touch'>
  readonly apiKeys: Pick<ApiKeys, 'findByHash'>
  readonly clock: Clock
}

export function createDashboards({ store, apiKeys, clock }: DashboardsOptions): Dashboards {
  async function findLive(id: string): Promise<Session | undefined> {
    const found = await store.find(id, clock.now())
    return found.state === 'live' ? found.session : undefined
  }

  /** Ends a session whose key was revoked: else a key that is restored from a backup would revive it. */
  async function keyOf(session: Session): Promise<BackEnd | undefined> {
    const backEnd = await apiKeys.findByHash(keyHashOf(session))
    // control: revoked-key-logs-out
    if (backEnd === undefined) await store.end(session.id, clock.now(), 'revoked')
    return backEnd
  }

  return {
    async begin(key) {
      const now = clock.now()
      const { id: minted, secret } = mintToken(now, undefined)
      const id = reservedId(minted)
      const session: Session = {
        id,
        secretHash: hashSecret(secret),
        data: JSON.stringify({ keyHash: hashSecret(key) }),
        claims: '{}',
        permanent: false,
        createdAt: now,
        lastSeenAt: now,
        idleTimeoutMs: IDLE_TIMEOUT_MS,
        lifetimeMs: LIFETIME_MS,
        ownIdleTimeout: true,
        ownLifetime: true,
        version: 1,
        device: null,
      }
      const { inserted } = await store.insert(session)
      if (!inserted) throw new Error('A fresh id was in use already')
      return renderToken({ id, secret })
    },

    async find(token, touch = true) {
      const { id, secret } = splitToken(token ?? '')
      // control: dashboard-by-id
      if (!isReservedId(id)) return undefined
      const session = await findLive(id)
      if (session === undefined || session.secretHash === null) return undefined
      // control: dashboard-secret
      if (!secretMatches(secret, session.secretHash)) return undefined
      const backEnd = await keyOf(session)
      if (backEnd === undefined) return undefined
      if (touch) store.touch(id, clock.now())
      return { id, backEnd }
    },

    async isLive({ id }) {
      const session = await findLive(id)
      return session !== undefined && (await keyOf(session)) !== undefined
    },

    async logOut({ id }) {
      await store.end(id, clock.now(), 'logout')
    },
  }
}

/** Of no key where it has none: only this program writes these sessions. */
function keyHashOf({ data }: Session): string {
  const { keyHash }: { readonly keyHash?: unknown } = JSON.parse(data)
  return typeof keyHash === 'string' && isHash(keyHash) ? keyHash : ''
}
