import type { KeyScope } from '../session/api-key.ts'

/**
 * The contract of API keys: what back ends and operators show to be let in. Of a key only its hash is
 * kept. A change holds for each server on this storage from its next look on: nothing caches a key.
 */
export type KeyStore = {
  /** All keys, revoked ones too, in the order in which they were made. */
  list(): Promise<readonly ApiKey[]>

  /**
   * Keeps a key, durably. False, and nothing is changed, where there is a key of this hash already, or one
   * of this name that is in force.
   */
  add(key: ApiKey): Promise<boolean>

  /** Revokes the key in force of this name, durably and for good. False where there is none. */
  revoke(name: string, revokedAt: number): Promise<boolean>

  /**
   * Notes when keys were used, durably. An earlier time than the one that is kept changes nothing, and a
   * hash of no key is passed over.
   */
  noteUses(uses: readonly KeyUse[]): Promise<void>
}

/** An API key as it is kept. Times are milliseconds since the Unix epoch. */
export type ApiKey = {
  /** SHA-256 of the key, in base64url. */
  readonly hash: string
  /** Its owner's name for it, which is free again once the key is revoked. */
  readonly name: string
  readonly scope: KeyScope
  /** The application whose sessions it is for; undefined for those of all. */
  readonly app?: string | undefined
  readonly createdAt: number
  readonly revokedAt: number | null
  /** When it was last used, as far as that is kept; absent for never. */
  readonly lastUsedAt?: number
}

export type KeyUse = { readonly hash: string; readonly usedAt: number }
