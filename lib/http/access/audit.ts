/** What back ends did, and what was refused to whom, for the audit trail. */
import type { Log } from '../../base/log.ts'
import type { LogFact, LogFacts } from '../../base/log-lines.ts'
import type { BackEnd } from '../../service/api-keys.ts'
import type { AppContext } from '../app-env.ts'
import { networkOf } from '../request/address.ts'
import type { Forwarded } from '../request/forwarded.ts'

export type Audit = {
  /** Tells of sessions that a back end has ended; says nothing of a holder's own log-out. */
  sessionsEnded(c: AppContext, ended: number, which: EndedSessions): void
  /** Tells of a key that is not in force; returns the network that it came from. */
  keyRefused(c: AppContext): string
  scopeRefused(c: AppContext, backEnd: BackEnd, needed: string): void
}

export type EndedSessions = {
  /** The full id of one session. */
  readonly id?: string
  readonly sub?: string | undefined
  /** Whose sessions these were: the app of the key, or the one that a key of all apps chose. */
  readonly app?: string | undefined
  /** The one that stays. */
  readonly except?: string | undefined
  readonly all?: boolean
  /** Whether some are left for another request. */
  readonly more?: boolean
}

export type AuditDeps = { readonly log: Log; readonly forwarded: Forwarded }

export function createAudit({ log, forwarded }: AuditDeps): Audit {
  return {
    sessionsEnded(c, ended, which) {
      const backEnd = c.get('backEnd')
      if (backEnd === undefined) return
      log.done('sessions_ended', present({ ...whoOf(c, backEnd), ...which, ended }))
    },

    keyRefused(c) {
      const client = networkOf(forwarded.senderOf(c))
      // control: log-without-key
      log.refused('api_key_refused', { client })
      return client
    },

    scopeRefused(c, backEnd, needed) {
      const { method } = c.req
      const { scope } = backEnd
      log.refused('scope_refused', present({ ...whoOf(c, backEnd), scope, needed, method }))
    },
  }

  function whoOf(c: AppContext, { name, app }: BackEnd) {
    return { by: name, client: forwarded.senderOf(c), app }
  }
}

function present(facts: Readonly<Record<string, LogFact | undefined>>): LogFacts {
  return Object.fromEntries(
    Object.entries(facts).flatMap(([name, fact]) => (fact === undefined ? [] : [[name, fact]])),
  )
}
