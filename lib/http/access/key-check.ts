/** Lets in who shows an API key that is in force, and slows down who guesses. */
import type { Clock } from '../../base/clock.ts'
import type { ApiKeys, BackEnd } from '../../service/api-keys.ts'
import { isApiKey, isWithin, type KeyScope } from '../../session/api-key.ts'
import { HttpError } from '../answer/problem.ts'
import type { AppContext } from '../app-env.ts'
import type { Audit } from './audit.ts'
import { createRateLimit } from './rate-limit.ts'

export type KeyCheck = {
  /**
   * The back end of the key. Throws `api_key_required`, or `too_many_failures` after too many wrong ones of
   * one address, for a key that is not in force, and `insufficient_scope` for one of a smaller scope. A
   * right key passes however many wrong ones came before.
   */
  admit(c: AppContext, key: string | undefined, scope: KeyScope): Promise<BackEnd>
  /** Throws `insufficient_scope`. */
  requireScope(c: AppContext, backEnd: BackEnd, needed: KeyScope): void
}

export type KeyCheckDeps = {
  readonly apiKeys: Pick<ApiKeys, 'find'>
  readonly clock: Clock
  readonly audit: Audit
}

/** Wrong API keys of one address: beyond these they are refused as too many. */
const FAILURES = { burst: 10, perMs: 10_000 } as const

export function createKeyCheck({ apiKeys, clock, audit }: KeyCheckDeps): KeyCheck {
  const failures = createRateLimit({ clock, ...FAILURES })

  function requireScope(c: AppContext, backEnd: BackEnd, needed: KeyScope): void {
    if (isWithin(backEnd.scope, needed)) return
    audit.scopeRefused(c, backEnd, needed)
    throw insufficientScope(backEnd, needed)
  }

  return {
    async admit(c, key, scope) {
      const backEnd = key !== undefined && isApiKey(key) ? await apiKeys.find(key) : undefined
      if (backEnd !== undefined) {
        // control: key-scope
        requireScope(c, backEnd, scope)
        return backEnd
      }
      if (key === undefined) throw apiKeyRequired('it has no API key')
      const waitMs = failures.take(audit.keyRefused(c))
      // control: error-without-key
      if (waitMs === 0) throw apiKeyRequired('its API key is not in force')
      throw new HttpError(
        'too_many_failures',
        'Cannot take another wrong API key now: too many came from this address; wait, or correct the key',
        { retryAfter: Math.ceil(waitMs / 1_000) },
      )
    },

    requireScope,
  }
}

function insufficientScope({ name, scope }: BackEnd, needed: KeyScope): HttpError {
  return new HttpError(
    'insufficient_scope',
    `Cannot do this with the API key "${name}": it may ${USES[scope]}, and this needs a key of the ` +
      `scope ${needed}; "coatcheck key new NAME --scope ${needed}" makes one`,
    { scope: needed },
  )
}

const USES: Readonly<Record<KeyScope, string>> = {
  all: 'do everything',
  read: 'only read (scope read)',
  metrics: 'only read the metrics (scope metrics)',
}

function apiKeyRequired(given: string): HttpError {
  return new HttpError(
    'api_key_required',
    `Cannot answer this request: ${given}; send Authorization: Bearer ck_…, the key that was ` +
      'written beside the data file at the first start',
  )
}
