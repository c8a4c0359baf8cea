import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import { unlessUnderWay } from '../base/unless-under-way.ts'
import { renderIsoTime } from '../session/iso-time.ts'
import type { ApiKey, KeyStore } from '../store/key-store.ts'

export type KeyWatchOptions = {
  readonly keys: Pick<KeyStore, 'list'>
  readonly clock: Clock
  readonly log: Log
  /** Tells whether this process has made (`made`) or revoked the key of this hash: then it has told so. */
  readonly isOwn?: (change: KeyChange, hash: string) => boolean
}

export type KeyChange = 'made' | 'revoked'

const INTERVAL_MS = 1_000

/**
 * Logs the keys that an operator makes and revokes beside the server, `key_made` and `key_revoked`,
 * within a second, until the returned function is called. Keys that were there at the start are none.
 */
export function startKeyWatch(options: KeyWatchOptions): () => void {
  const { keys, clock, log, isOwn = () => false } = options
  let last: ReadonlyMap<string, ApiKey> | undefined

  const look = unlessUnderWay(async () => {
    try {
      const before = last
      last = mapOf(await keys.list())
      if (before === undefined) return
      for (const key of last.values()) tell(key, before.get(key.hash))
    } catch {
      // The next request that needs the storage reports it, and the next look sees the change.
    }
  })

  function tell(key: ApiKey, before: ApiKey | undefined): void {
    const { name, hash, scope, app, createdAt, revokedAt } = key
    const what = { by: 'operator', key: name, scope, ...(app !== undefined && { app }) }
    if (before === undefined && !isOwn('made', hash)) {
      log.done('key_made', { ...what, at: renderIsoTime(createdAt) })
    }
    const isRevoked = revokedAt !== null && (before?.revokedAt ?? null) === null
    if (isRevoked && !isOwn('revoked', hash)) {
      log.done('key_revoked', { ...what, at: renderIsoTime(revokedAt) })
    }
  }

  void look()
  return clock.every(INTERVAL_MS, () => void look())
}

function mapOf(keys: readonly ApiKey[]): ReadonlyMap<string, ApiKey> {
  return new Map(keys.map((key) => [key.hash, key]))
}
