import type Database from 'better-sqlite3'
import type { KeyScope } from '../../session/api-key.ts'
import type { ApiKey, KeyUse } from '../../store/key-store.ts'

/** The API keys in the file: read by the server with each key shown, so that a change holds at once. */
export type ApiKeyTable = {
  /** In the order in which they were made. */
  list(): readonly ApiKey[]
  /** False where the key, or a key of the name that is in force, is there already. */
  add(key: ApiKey): boolean
  /** False where no key of the name is in force. */
  revoke(name: string, revokedAt: number): boolean
  noteUse(use: KeyUse): void
}

export function createApiKeyTable(database: Database.Database): ApiKeyTable {
  const list = database.prepare<[], ApiKeyRow>('select * from api_keys order by created_at, name')
  const add = database.prepare<ApiKeyRow>(`${INSERT_KEY} on conflict do nothing`)
  const revoke = database.prepare<{ name: string; revokedAt: number }>(
    'update api_keys set revoked_at = $revokedAt where name = $name and revoked_at is null',
  )
  const noteUse = database.prepare<KeyUse>(
    `update api_keys set last_used_at = max(coalesce(last_used_at, 0), $usedAt) where hash = $hash`,
  )
  return {
    list: () => list.all().map(apiKeyOf),
    add: (key) => add.run(rowOfKey(key)).changes === 1,
    revoke: (name, revokedAt) => revoke.run({ name, revokedAt }).changes === 1,
    noteUse: (use) => void noteUse.run(use),
  }
}

/** A row of `api_keys`; a file of an older Coatcheck lacks the last ones. */
export type ApiKeyRow = {
  readonly hash: string
  readonly name: string
  readonly created_at: number
  readonly revoked_at: number | null
  readonly scope?: KeyScope
  readonly app?: string | null
  readonly last_used_at?: number | null
}

export const INSERT_KEY = `
  insert into api_keys (hash, name, created_at, revoked_at, scope, app, last_used_at)
  values ($hash, $name, $created_at, $revoked_at, $scope, $app, $last_used_at)`

export function apiKeyOf(row: ApiKeyRow): ApiKey {
  const { hash, name, created_at: createdAt, revoked_at: revokedAt, scope = 'all', app } = row
  const { last_used_at: lastUsedAt } = row
  return {
    hash,
    name,
    scope,
    ...(app === null || app === undefined ? {} : { app }),
    createdAt,
    revokedAt,
    ...(lastUsedAt === null || lastUsedAt === undefined ? {} : { lastUsedAt }),
  }
}

export function rowOfKey(key: ApiKey): ApiKeyRow {
  const { hash, name, scope, app = null, createdAt, revokedAt, lastUsedAt = null } = key
  const times = { created_at: createdAt, revoked_at: revokedAt, last_used_at: lastUsedAt }
  return { hash, name, scope, app, ...times }
}
