/** Makes and revokes API keys of the store while the server runs. */
import type { Clock } from '../base/clock.ts'
import { CoatcheckError } from '../base/errors.ts'
import { isKeyName, KEY_NAME_SHAPE, KEY_PREFIX, mintApiKey } from '../session/api-key.ts'
import type { KeyScope } from '../session/api-key.ts'
import { APP_SHAPE, isApp } from '../session/session-id.ts'
import { hashSecret } from '../session/token.ts'
import type { ApiKey, KeyStore } from '../store/key-store.ts'
import type { KeyChange } from './key-watch.ts'

export type KeyChanges = {
  /** Makes a key and returns it, this once. Throws `invalid_argument` for a name or an app that cannot be. */
  make(wanted: NewKey): Promise<{ readonly key: string; readonly made: ApiKey }>
  /** Revokes the key in force of this hash, for good. Undefined, and nothing done, where there is none. */
  revoke(hash: string): Promise<ApiKey | undefined>
  /** Whether it was done here; for `startKeyWatch`. */
  isOwn(change: KeyChange, hash: string): boolean
}

export type NewKey = {
  readonly name: string
  readonly scope: KeyScope
  readonly app: string | undefined
}

export type KeyChangesOptions = { readonly keys: KeyStore; readonly clock: Clock }

/**
 * Of one app, and of none, those that are revoked included: they are kept, and each key that is shown is looked up
 * among all.
 */
const MOST_KEYS = 1_000

export function createKeyChanges({ keys, clock }: KeyChangesOptions): KeyChanges {
  const own = new Set<string>()

  return {
    async make({ name, scope, app }) {
      checkName(name)
      if (app !== undefined && !isApp(app)) throw refusal(`its app must be ${APP_SHAPE}`)
      if ((await keys.list()).filter((one) => one.app === app).length >= MOST_KEYS)
        throw tooMany(app)
      const key = mintApiKey()
      const hash = hashSecret(key)
      const createdAt = clock.now()
      const made = { hash, name, scope, ...(app !== undefined && { app }), createdAt }
      // Before it is there: whoever watches may look at any time.
      own.add(`made ${hash}`)
      const isAdded = await keys.add({ ...made, revokedAt: null })
      if (!isAdded)
        throw refusal('there is one of that name in force; revoke it, or choose another')
      return { key, made: { ...made, revokedAt: null } }
    },

    async revoke(hash) {
      const key = (await keys.list()).find((one) => one.hash === hash && one.revokedAt === null)
      if (key === undefined) return undefined
      own.add(`revoked ${hash}`)
      return (await keys.revoke(key.name, clock.now())) ? key : undefined
    },

    isOwn: (change, hash) => own.has(`${change} ${hash}`),
  }
}

function checkName(name: string): void {
  if (!isKeyName(name)) throw refusal(`its name must be ${KEY_NAME_SHAPE}`)
  if (name.startsWith(KEY_PREFIX)) {
    throw refusal(`its name must not begin as a key does (${KEY_PREFIX}): a name is no secret`)
  }
}

function tooMany(app: string | undefined): CoatcheckError {
  const whose = app === undefined ? 'that see all apps' : `of the app ${app}`
  return refusal(
    `there are ${MOST_KEYS} ${whose} already, revoked ones included; on the command line there is no such limit`,
  )
}

function refusal(reason: string): CoatcheckError {
  return new CoatcheckError('invalid_argument', `Cannot make this key: ${reason}`)
}
