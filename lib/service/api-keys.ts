/** The keys that back ends show: those that the operator configured, and those kept in the store. */
import { closeSync, constants, openSync, readFileSync, unlinkSync, writeSync } from 'node:fs'
import type { Clock } from '../base/clock.ts'
import { codeOf, type WayOut } from '../base/errors.ts'
import { API_KEY_SHAPE, isApiKey, mintApiKey } from '../session/api-key.ts'
import { hashSecret, secretMatches } from '../session/token.ts'
import type { KeyStore } from '../store/key-store.ts'

export type ApiKeys = {
  /** Whether the key is in force; takes as long for a key that is, as for one that is not. */
  accepts(key: string): Promise<boolean>
}

/** `madeAt`: the path of the file that got the first key, where it was made just now. */
export type OpenApiKeys = ApiKeys & { readonly madeAt: string | undefined }

/** The file of API keys is wrong, or cannot be read or written. */
export class KeyFileError extends Error {
  override readonly name = 'KeyFileError'
  readonly way: WayOut | undefined

  constructor(message: string, way?: WayOut) {
    super(message)
    this.way = way
  }
}

/** On disk when it is written: Node's permission model refuses `fsync`, whatever the rights. */
const NEW_AND_SYNCED =
  constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | (constants.O_SYNC ?? 0)

export type ApiKeysOptions = {
  readonly keys: KeyStore
  readonly clock: Clock
  /** From the environment. */
  readonly configured: readonly string[]
  /** More keys, one a line; where there are none anywhere, the first is written here. */
  readonly path: string
}

/**
 * Reads the keys that are configured. Where there are none, and the store keeps none either, makes
 * the first: the store keeps its hash, and the file gets the key, for this user to read. Throws a
 * `KeyFileError` for a file that is wrong, or cannot be read or written.
 */
export async function openApiKeys(options: ApiKeysOptions): Promise<OpenApiKeys> {
  const { keys, clock, path } = options
  const configured = [...options.configured, ...readKeyFile(path)]
  let madeAt: string | undefined
  if (configured.length === 0 && (await keys.list()).length === 0) {
    const key = mintApiKey()
    writeKeyFile(path, key)
    const hash = hashSecret(key)
    const createdAt = clock.now()
    await keys.add({ hash, name: 'first', scope: 'all', createdAt, revokedAt: null })
    madeAt = path
  }

  return { ...createApiKeys(keys, configured), madeAt }
}

/** The keys given, and those that the store keeps; but none that it keeps as revoked. */
export function createApiKeys(
  keys: Pick<KeyStore, 'list'>,
  configured: readonly string[],
): ApiKeys {
  const configuredHashes = configured.map(hashSecret)

  return {
    async accepts(key) {
      const kept = await keys.list()
      const revoked = kept.filter(({ revokedAt }) => revokedAt !== null)
      const isKnown = matchesAny(key, [...configuredHashes, ...kept.map(({ hash }) => hash)])
      const isRevoked = matchesAny(
        key,
        revoked.map(({ hash }) => hash),
      )
      return isKnown && !isRevoked
    },
  }
}

/** Compares with all of them, whichever it is. */
function matchesAny(key: string, hashes: readonly string[]): boolean {
  return hashes.filter((hash) => secretMatches(key, hash)).length > 0
}

/** Empty lines and what follows a # are left out. No file is no keys. */
function readKeyFile(path: string): string[] {
  let text
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return []
    throw new KeyFileError(`Cannot read ${path}: ${codeOf(error)}; make it readable for this user`)
  }
  const keys = text
    .split('\n')
    .map((line) => line.replace(/#.*/, '').trim())
    .filter((line) => line !== '')
  if (keys.length > 0 && keys.every(isApiKey)) return keys
  throw new KeyFileError(
    `Cannot read ${path}: it must have API keys, one a line, each ${API_KEY_SHAPE}; ` +
      'it has none, or something else',
  )
}

function writeKeyFile(path: string, key: string): void {
  try {
    const file = openSync(path, NEW_AND_SYNCED, 0o600)
    try {
      writeSync(file, `${key}\n`)
    } catch (error) {
      // Half a key would be refused at each later start.
      unlinkSync(path)
      throw error
    } finally {
      closeSync(file)
    }
  } catch (error) {
    throw new KeyFileError(`Cannot write the first API key to ${path}: ${codeOf(error)}`, {
      hint: 'place_key',
    })
  }
}
