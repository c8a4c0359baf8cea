import type { KeyScope } from '../../session/api-key.ts'
import type { ApiKey, KeyStore } from '../../store/key-store.ts'
import type { Connection, Statement } from '../connection/connection.ts'
import { writeFailure } from '../connection/failures.ts'
import type { Reads } from '../reads/reads.ts'

const LIST: Statement = {
  name: 'cc_keys',
  text: `select hash, name, scope, app, created_at, revoked_at, last_used_at from api_keys
    order by created_at, number`,
}
/** Both unique indexes are meant: the hash, and the name of a key in force. */
const ADD: Statement = {
  name: 'cc_key_add',
  text: `insert into api_keys (hash, name, scope, app, created_at, revoked_at, last_used_at)
    values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing`,
}
const REVOKE: Statement = {
  name: 'cc_key_revoke',
  text: 'update api_keys set revoked_at = $2 where name = $1 and revoked_at is null',
}

/** $1: hashes, $2: moments. */
const NOTE_USES: Statement = {
  name: 'cc_key_uses',
  text: `update api_keys k set last_used_at = v.used_at
    from unnest($1::text[], $2::bigint[]) as v(hash, used_at)
    where k.hash = v.hash and (k.last_used_at is null or k.last_used_at < v.used_at)`,
}

export function createKeyTable(reads: Reads, connection: Pick<Connection, 'ask'>): KeyStore {
  async function writeOne(statement: Statement, values: readonly unknown[]): Promise<boolean> {
    try {
      return (await connection.ask(statement, values)).count > 0
    } catch (error) {
      throw writeFailure(error)
    }
  }

  return {
    async list() {
      const { rows } = await reads.ask(LIST, [])
      return rows.map((row) => parseKey(row as KeyFields))
    },
    add: ({ hash, name, scope, app, createdAt, revokedAt, lastUsedAt }) =>
      writeOne(ADD, [hash, name, scope, app ?? null, createdAt, revokedAt, lastUsedAt ?? null]),
    revoke: (name, revokedAt) => writeOne(REVOKE, [name, revokedAt]),
    async noteUses(uses) {
      const hashes = uses.map(({ hash }) => hash)
      await writeOne(NOTE_USES, [hashes, uses.map(({ usedAt }) => usedAt)])
    },
  }
}

type KeyFields = [
  hash: string,
  name: string,
  scope: KeyScope,
  app: string | null,
  createdAt: number,
  revokedAt: number | null,
  lastUsedAt: number | null,
]

function parseKey(fields: KeyFields): ApiKey {
  const [hash, name, scope, app, createdAt, revokedAt, lastUsedAt] = fields
  return {
    hash,
    name,
    scope,
    ...(app !== null && { app }),
    createdAt,
    revokedAt,
    ...(lastUsedAt !== null && { lastUsedAt }),
  }
}
