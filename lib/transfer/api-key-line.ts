/** An API key as one line of JSON, `{"apiKey":{…}}`: its hash, and never the key. */
import { CoatcheckError } from '../base/errors.ts'
import type { JsonText } from '../json/json.ts'
import { isKeyName, KEY_NAME_SHAPE, KEY_SCOPES } from '../session/api-key.ts'
import { APP_SHAPE, isApp } from '../session/session-id.ts'
import { isHash } from '../session/token.ts'
import type { ApiKey } from '../store/key-store.ts'
import { readMembers } from './line-members.ts'

/** Times in ISO 8601. */
export function renderKeyLine(key: ApiKey): JsonText {
  const { hash, name, scope, app, createdAt, revokedAt, lastUsedAt } = key
  return JSON.stringify({
    apiKey: {
      ...{ hash, name, scope, app, createdAt: new Date(createdAt) },
      ...(revokedAt !== null && { revokedAt: new Date(revokedAt) }),
      ...(lastUsedAt !== undefined && { lastUsedAt: new Date(lastUsedAt) }),
    },
  })
}

/** Throws `invalid_argument` for an object that is no API key; the message quotes none of it. */
export function parseKey(object: JsonText): ApiKey {
  const members = readMembers(object, invalidKey)
  const hash = members.text('hash')
  if (!isHash(hash)) throw invalidKey('"hash" must be a SHA-256 in base64url')
  const name = members.text('name')
  if (!isKeyName(name)) throw invalidKey(`"name" must be ${KEY_NAME_SHAPE}`)
  const given = members.text('scope')
  const scope = KEY_SCOPES.find((one) => one === given)
  if (scope === undefined) throw invalidKey(`"scope" must be one of ${KEY_SCOPES.join(', ')}`)
  const app = members.has('app') ? members.text('app') : undefined
  if (app !== undefined && !isApp(app)) throw invalidKey(`"app" must be ${APP_SHAPE}`)
  const key = {
    ...{ hash, name, scope, ...(app !== undefined && { app }) },
    createdAt: members.time('createdAt'),
    revokedAt: members.has('revokedAt') ? members.time('revokedAt') : null,
    ...(members.has('lastUsedAt') && { lastUsedAt: members.time('lastUsedAt') }),
  }
  members.refuseOthers('API key')
  return key
}

function invalidKey(reason: string): CoatcheckError {
  return new CoatcheckError('invalid_argument', `Cannot read the API key: ${reason}`)
}
