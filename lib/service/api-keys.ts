/** The keys that back ends show: those that the operator configured, and those kept in the store. */
import {
  closeSync,
  constants,
  mkdirSync,
  openSync,
  readFileSync,
  unlinkSync,
  writeSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Clock } from '../base/clock.ts'
import { codeOf, type WayOut } from '../base/errors.ts'
import { API_KEY_SHAPE, isApiKey, type KeyScope, mintApiKey } from '../session/api-key.ts'
import { hashSecret } from '../session/token.ts'
import type { KeyStore } from '../store/key-store.ts'
import type { KeyUses } from './key-uses.ts'

/** Who asks with an API key, as the key makes it known. */
export type BackEnd = {
  /** The key's name; `configured` for a key of the environment or of the file that the store does not keep. */
  readonly name: string
  readonly scope: KeyScope
  /** The application whose sessions alone it sees; undefined for those of all. */
  readonly app: string | undefined
}

export type ApiKeys = {
  /**
   * The back end of a key that is in force, else undefined. Takes as long for a key that is, as for one
   * that is not.
   */
  find(key: string): Promise<BackEnd | undefined>
  /** The same of a key that was shown before, by its hash. */
  findByHash(hash: string): Promise<BackEnd | undefined>
}

/** `madeAt`: the path of the file that got the first key, where it was made just now. */
export type OpenApiKeys = ApiKeys & { readonly madeAt: string | undefined }

/** The file of API keys is wrong, or cannot be read or written. */
export class KeyFileError extends Error {
  override readonly name = 'KeyFileError'
  readonly way: WayOut | undefined
  /** Whether another server may just be writing it: it is there, and nothing is in it. */
  readonly isBeingWritten: boolean

  constructor(message: string, way?: WayOut, isBeingWritten = false) {
    super(message)
    this.way = way
    this.isBeingWritten = isBeingWritten
  }
}

const RETRY_MS = 20
/** A second: the disk may be slow, and the machine busy. */
const MOST_TRIES = 50

/** On disk when it is written: Node's permission model refuses `fsync`, whatever the rights. */
const NEW_AND_SYNCED =
  constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | (constants.O_SYNC ?? 0)

export type ApiKeysOptions = {
  readonly keys: KeyStore
  readonly clock: Clock
  /** From the environment. */
  readonly configured: readonly string[]
  readonly uses?: Pick<KeyUses, 'note'>
  /** More keys, one a line; where there are none anywhere, the first is written here. */
  readonly path: string
  /** Whether the folder of the file is made where it is missing. */
  readonly makesFolder?: boolean
}

/**
 * Reads the keys that are configured. Where there are none, and the store keeps none either, makes
 * the first: the store keeps its hash, and the file gets the key, for this user to read. Of servers that
 * start on one store at once, one makes it, and the others find it there. Throws a `KeyFileError` for a
 * file that is wrong, or cannot be read or written.
 */
export async function openApiKeys(options: ApiKeysOptions): Promise<OpenApiKeys> {
  const { keys, path } = options
  for (let tries = 1; ; tries++) {
    try {
      const configured = [...options.configured, ...readKeyFile(path)]
      const isWithout = configured.length === 0 && (await keys.list()).length === 0
      const madeAt = isWithout && (await makeFirstKey(options)) ? path : undefined
      return { ...createApiKeys(keys, configured, options.uses), madeAt }
    } catch (error) {
      const isBeingWritten = error instanceof KeyFileError && error.isBeingWritten
      if (!isBeingWritten || tries === MOST_TRIES) throw error
      await sleep(RETRY_MS)
    }
  }
}

/** False where another server has made it at the same moment. */
async function makeFirstKey({ keys, clock, path, makesFolder }: ApiKeysOptions): Promise<boolean> {
  const key = mintApiKey()
  // The file first: a key that is kept and that nobody has would be in the way of another.
  writeKeyFile(path, key, makesFolder === true)
  const hash = hashSecret(key)
  const createdAt = clock.now()
  // control: first-key-once
  const isKept = await keys.add({ hash, name: 'first', scope: 'all', createdAt, revokedAt: null })
  if (!isKept) unlinkSync(path)
  return isKept
}

/**
 * The keys given, and those that the store keeps; but none that it keeps as revoked. What the store
 * says of a key counts, be it configured, too.
 */
export function createApiKeys(
  keys: Pick<KeyStore, 'list'>,
  configured: readonly string[],
  uses: Pick<KeyUses, 'note'> = { note() {} },
): ApiKeys {
  const configuredHashes = new Set(configured.map(hashSecret))

  async function findByHash(hash: string): Promise<BackEnd | undefined> {
    const kept = (await keys.list()).find((key) => key.hash === hash)
    if (kept === undefined) return configuredHashes.has(hash) ? CONFIGURED : undefined
    const { name, scope, app, revokedAt } = kept
    return revokedAt === null ? { name, scope, app } : undefined
  }

  return {
    async find(key) {
      // By its hash, which nobody chooses: how long a comparison takes tells nothing of a key.
      const shown = hashSecret(key)
      const backEnd = await findByHash(shown)
      if (backEnd !== undefined) uses.note(shown)
      return backEnd
    },

    findByHash,
  }
}

const CONFIGURED: BackEnd = { name: 'configured', scope: 'all', app: undefined }

/**
 * The API keys of a file, one a line; empty lines and what follows a # are left out. No file is no
 * keys. Throws a `KeyFileError` for one that is wrong or cannot be read.
 */
export function readKeyFile(path: string): string[] {
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
    undefined,
    text === '',
  )
}

function writeKeyFile(path: string, key: string, makesFolder: boolean): void {
  try {
    if (makesFolder) mkdirSync(dirname(path), { recursive: true })
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
    const code = codeOf(error)
    const message = `Cannot write the first API key to ${path}: ${code}`
    throw new KeyFileError(message, { hint: 'place_key' }, code === 'EEXIST')
  }
}
