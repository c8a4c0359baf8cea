import { quote } from '../base/quote.ts'
import { DATA_EXITS, EXIT } from '../command-line/exit-codes.ts'
import {
  isKeyName,
  isKeyScope,
  KEY_NAME_SHAPE,
  KEY_PREFIX,
  KEY_SCOPES,
  type KeyScope,
  mintApiKey,
} from '../session/api-key.ts'
import { APP_SHAPE, isApp } from '../session/session-id.ts'
import { hashSecret } from '../session/token.ts'
import type { ApiKey } from '../store/key-store.ts'
import type { OperatorStore } from '../store/operator-store.ts'
import {
  type Command,
  CommandError,
  type CommandInput,
  type CommandIo,
  usageError,
} from './command.ts'
import { stores } from './open-store.ts'

/**
 * API keys of the data. A running server sees a change with the next key that it is shown; so a
 * key is rotated without a restart: make a new one, give it to the back ends, revoke the old one.
 */
export const keyCommand: Command = {
  usage: ['key new NAME [--scope SCOPE] [--app APP]', 'key list', 'key revoke NAME'],
  summary: 'Makes, lists and revokes API keys for back ends; a running server takes note at once.',
  options: { scope: { type: 'string' }, app: { type: 'string' } },
  flagHelp: [
    ['--scope SCOPE', 'what a new key may: all (the default), read, or metrics'],
    ['--app APP', 'the app whose sessions alone a new key sees; without it, those of all'],
  ],
  flagWords: { '--scope': KEY_SCOPES },
  exitCodes: ['notFound', ...DATA_EXITS],
  async run(input, io) {
    const [action, name, ...others] = input.words
    const wordsAreRight =
      action === 'list'
        ? name === undefined
        : (action === 'new' || action === 'revoke') && name !== undefined && others.length === 0
    if (!wordsAreRight) throw usageError(keyCommand, 'Cannot tell what to do with which key')
    const use = readUse(input)
    if (action !== 'new' && Object.keys(use).length > 0) {
      throw usageError(keyCommand, '--scope and --app are for a new key')
    }

    if (name === undefined) return await listKeys(input, io)
    const store = await stores.openStore(input.data)
    try {
      if (action === 'new') return await newKey(store.keys, name, use, input, io)
      return await revokeKey(store.keys, name, io)
    } finally {
      await store.close()
    }
  },
}

type Use = { readonly scope?: KeyScope; readonly app?: string }

/** What a key is for, as the flags say it. */
function readUse({ flags }: CommandInput): Use {
  const { scope, app } = flags
  if (typeof scope === 'string' && !isKeyScope(scope)) {
    throw usageError(
      keyCommand,
      `Cannot make a key of the scope ${quote(scope)}: it must be one of ${KEY_SCOPES.join(', ')}`,
    )
  }
  if (typeof app === 'string' && !isApp(app)) {
    throw usageError(
      keyCommand,
      `Cannot make a key for the app ${quote(app)}: it must be ${APP_SHAPE}`,
    )
  }
  return {
    ...(typeof scope === 'string' && { scope }),
    ...(typeof app === 'string' && { app }),
  }
}

/**
 * The key itself goes to stdout, this once: only its hash is kept. One that nobody has read is revoked
 * at once.
 */
async function newKey(
  keys: OperatorStore['keys'],
  name: string,
  use: Use,
  { json }: CommandInput,
  io: CommandIo,
): Promise<number> {
  if (!isKeyName(name)) {
    throw usageError(keyCommand, `Cannot name a key like this: it must be ${KEY_NAME_SHAPE}`)
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
  const hash = hashSecret(key)
  const made: ApiKey = { hash, name, scope: 'all', ...use, createdAt, revokedAt: null }
  if (!(await keys.add(made))) {
    const reason = 'there is one of that name in force; revoke it, or choose another name'
    throw new CommandError('usage', `Cannot make the key "${name}": ${reason}`)
  }
  if (await io.outWhenReady(json ? `${JSON.stringify({ name, key })}\n` : `${key}\n`)) {
    return EXIT.done
  }
  await keys.revoke(name, io.clock.now())
  io.err(
    `Cannot write the key "${name}" to stdout: nobody has it, and it was revoked; make another one\n`,
  )
  return EXIT.diskFailed
}

async function listKeys({ data, json }: CommandInput, io: CommandIo): Promise<number> {
  const reader = await stores.openReader(data)
  try {
    for (const key of await reader.keys.list()) {
      io.out(`${json ? renderJson(key) : renderLine(key)}\n`)
    }
    return EXIT.done
  } finally {
    await reader.close()
  }
}

async function revokeKey(
  keys: OperatorStore['keys'],
  name: string,
  io: CommandIo,
): Promise<number> {
  if (await keys.revoke(name, io.clock.now())) {
    io.out(`Revoked the key "${name}"\n`)
    return EXIT.done
  }
  const reason = 'there is none in force of this name; "key list" shows those there are'
  throw new CommandError('notFound', `Cannot revoke a key: ${reason}`)
}

/** The beginning of the hash tells keys apart, and opens nothing. */
function renderLine({ name, hash, scope, app, createdAt, revokedAt, lastUsedAt }: ApiKey): string {
  const state = revokedAt === null ? 'in force' : `revoked ${dateOf(revokedAt)}`
  const used = lastUsedAt === undefined ? 'never used' : `last used ${dateOf(lastUsedAt)}`
  const use = `scope ${scope}\t${app === undefined ? 'all apps' : `app ${app}`}`
  return `${name}\tsha256 ${hash.slice(0, 8)}…\t${use}\tmade ${dateOf(createdAt)}\t${used}\t${state}`
}

function renderJson({ name, hash, scope, app, createdAt, revokedAt, lastUsedAt }: ApiKey): string {
  return JSON.stringify({
    name,
    hash,
    scope,
    app: app ?? null,
    createdAt: dateOf(createdAt),
    revokedAt: revokedAt === null ? null : dateOf(revokedAt),
    lastUsedAt: lastUsedAt === undefined ? null : dateOf(lastUsedAt),
  })
}

function dateOf(ms: number): string {
  return new Date(ms).toISOString()
}
