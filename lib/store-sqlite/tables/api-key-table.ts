import type Database from 'better-sqlite3'
import { CoatcheckError } from '../../base/errors.ts'
import type { ApiKey } from '../../store/key-store.ts'

/** The API keys in the file: read by the server with each key shown, so that a change holds at once. */
export type ApiKeyTable = {
  /** In the order in which they were made. */
  list(): readonly ApiKey[]
  /** False where the key, or a key of the name that is in force, is there already. */
  add(key: ApiKey): boolean
  /** False where no key of the name is in force. */
  revoke(name: string, revokedAt: number): boolean
}

export function createApiKeyTable(database: Database.Database): ApiKeyTable {
  const list = database.prepare<[], ApiKey>(
    `select hash, name, 'all' as scope, created_at as createdAt, revoked_at as revokedAt
     from api_keys order by created_at, name`,
  )
  const add = database.prepare<ApiKey>(
    `insert into api_keys (hash, name, created_at, revoked_at)
     values ($hash, $name, $createdAt, $revokedAt) on conflict do nothing`,
  )
  const revoke = database.prepare<{ name: string; revokedAt: number }>(
    'update api_keys set revoked_at = $revokedAt where name = $name and revoked_at is null',
  )
  return {
    list: () => list.all(),
    add(key) {
      refuseNarrowKey(key)
      return add.run(key).changes === 1
    },
    revoke: (name, revokedAt) => revoke.run({ name, revokedAt }).changes === 1,
  }
}

/** There is no column for either yet: kept without it, the key would be good for more than it is meant for. */
function refuseNarrowKey({ scope, app }: ApiKey): void {
  if (scope === 'all' && app === undefined) return
  throw new CoatcheckError(
    'invalid_argument',
    'Cannot keep a key for a scope or an application: the data file holds keys for everything',
  )
}
