/** What is done at the dashboard, for the audit trail: who did it is the key that logged in. */
import type { Log } from '../base/log.ts'
import type { AppContext } from '../http/app-env.ts'
import type { Forwarded } from '../http/request/forwarded.ts'
import type { BackEnd } from '../service/api-keys.ts'
import { renderIsoTime } from '../session/iso-time.ts'
import type { ApiKey } from '../store/key-store.ts'

export type Trail = {
  loggedIn(c: AppContext, backEnd: BackEnd): void
  loggedOut(c: AppContext, backEnd: BackEnd): void
  /** `which`: the full id of one session, or all of a user; `more`: some are left. */
  ended(
    c: AppContext,
    backEnd: BackEnd,
    ended: number,
    which: { readonly id: string } | { readonly sub: string; readonly more: boolean },
  ): void
  keyMade(c: AppContext, backEnd: BackEnd, key: ApiKey): void
  keyRevoked(c: AppContext, backEnd: BackEnd, key: ApiKey, revokedAt: number): void
  swept(c: AppContext, backEnd: BackEnd, ended: number): void
}

export type TrailDeps = { readonly log: Log; readonly forwarded: Pick<Forwarded, 'senderOf'> }

export function createTrail({ log, forwarded }: TrailDeps): Trail {
  function whoOf(c: AppContext, { name, app }: BackEnd) {
    const client = forwarded.senderOf(c)
    return {
      by: name,
      via: 'dashboard',
      ...(client !== undefined && { client }),
      ...(app !== undefined && { app }),
    }
  }

  return {
    loggedIn: (c, backEnd) => log.done('dashboard_login', whoOf(c, backEnd)),
    loggedOut: (c, backEnd) => log.done('dashboard_logout', whoOf(c, backEnd)),
    ended(c, backEnd, ended, which) {
      log.done('sessions_ended', { ...whoOf(c, backEnd), ...which, ended })
    },
    keyMade(c, backEnd, key) {
      const at = renderIsoTime(key.createdAt)
      log.done('key_made', { ...whoOf(c, backEnd), ...factsOf(key), at })
    },
    keyRevoked(c, backEnd, key, revokedAt) {
      const at = renderIsoTime(revokedAt)
      log.done('key_revoked', { ...whoOf(c, backEnd), ...factsOf(key), at })
    },
    swept: (c, backEnd, ended) => log.done('swept_by_hand', { ...whoOf(c, backEnd), ended }),
  }
}

function factsOf({ name, scope, app }: ApiKey) {
  return { key: name, scope, ...(app !== undefined && { app }) }
}
