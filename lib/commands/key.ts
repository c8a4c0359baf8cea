import { KEY_PREFIX, mintApiKey } from '../session/api-key.ts'
import { hashSecret } from '../session/token.ts'
import { SettingsError } from '../settings/settings.ts'
import type { ApiKey, KeyStore } from '../store/key-store.ts'
import { type Command, type CommandInput, type CommandIo, usageError } from './command.ts'
import { FILE_EXIT_CODES } from './file-exit-codes.ts'
import { stores } from './open-store.ts'

/** Exit code. */
const WRITING_FAILED = 74

const NAME = /^[\w.-]{1,64}$/

/**
 * API keys of the data file. A running server sees a change with the next key that it is shown; so a
 * key is rotated without a restart: make a new one, give it to the back ends, revoke the old one.
 */
export const keyCommand: Command = {
  usage: ['key new NAME', 'key list', 'key revoke NAME'],
  summary: 'Makes, lists and revokes API keys for back ends; a running server takes note at once.',
  exitCodes: FILE_EXIT_CODES,
  async run(input, io) {
    const [action, name, ...others] = input.words
    const wordsAreRight =
      action === 'list'
        ? name === undefined
        : (action === 'new' || action === 'revoke') && name !== undefined && others.length === 0
    if (!wordsAreRight) throw usageError(keyCommand, 'Cannot tell what to do with which key')

    if (name === undefined) return await listKeys(input, io)
    const store = await stores.openStore(input.dataPath)
    try {
      if (action === 'new') return await newKey(store.keys, name, input, io)
      return await revokeKey(store.keys, name, io)
    } finally {
      await store.close()
    }
  },
}

/**
 * The key itself goes to stdout, this once: only its hash is kept. One that nobody has read is revoked
 * at once.
 */
async function newKey(
  keys: KeyStore,
  name: string,
  { json }: CommandInput,
  io: CommandIo,
): Promise<number> {
  if (!NAME.test(name)) {
    throw usageError(
      keyCommand,
      'Cannot name a key like this: it must be 1 to 64 of A-Z a-z 0-9 . _ -',
    )
  }
  if (name.startsWith(KEY_PREFIX)) {
    throw usageError(
      keyCommand,
      `Cannot name a key like this: it begins as an API key does (${KEY_PREFIX}), and a name is no ` +
        'secret; choose a word, such as "laptop"',
    )
  }
  const key = mintApiKey()
  const createdAt = io.clock.now()
  const made = { hash: hashSecret(key), name, scope: 'all', createdAt, revokedAt: null } as const
  if (!(await keys.add(made))) {
    const reason = 'there is one of that name in force; revoke it, or choose another name'
    throw new SettingsError([`Cannot make the key "${name}": ${reason}`], '')
  }
  if (await io.outWhenReady(json ? `${JSON.stringify({ name, key })}\n` : `${key}\n`)) return 0
  await keys.revoke(name, io.clock.now())
  io.err(
    `Cannot write the key "${name}" to stdout: nobody has it, and it was revoked; make another one\n`,
  )
  return WRITING_FAILED
}

async function listKeys({ dataPath, json }: CommandInput, io: CommandIo): Promise<number> {
  const reader = await stores.openReader(dataPath)
  try {
    for (const key of await reader.keys.list())
      io.out(`${json ? renderJson(key) : renderLine(key)}\n`)
    return 0
  } finally {
    await reader.close()
  }
}

async function revokeKey(keys: KeyStore, name: string, io: CommandIo): Promise<number> {
  if (await keys.revoke(name, io.clock.now())) {
    io.out(`Revoked the key "${name}"\n`)
    return 0
  }
  const reason = 'there is none in force of this name; "key list" shows those there are'
  throw new SettingsError([`Cannot revoke a key: ${reason}`], '')
}

/** The beginning of the hash tells keys apart, and opens nothing. */
function renderLine({ name, hash, createdAt, revokedAt }: ApiKey): string {
  const state = revokedAt === null ? 'in force' : `revoked ${dateOf(revokedAt)}`
  return `${name}\tsha256 ${hash.slice(0, 8)}…\tmade ${dateOf(createdAt)}\t${state}`
}

function renderJson({ name, hash, createdAt, revokedAt }: ApiKey): string {
  return JSON.stringify({
    name,
    hash,
    createdAt: dateOf(createdAt),
    revokedAt: revokedAt === null ? null : dateOf(revokedAt),
  })
}

function dateOf(ms: number): string {
  return new Date(ms).toISOString()
}
