/** What the flags of `relay` say. */
import { quote } from '../../base/quote.ts'
import { type Address, readAddress, readAddressOrSocket } from '../../relay/address.ts'
import type { FeedChoice } from '../../relay/feed/feed-connection.ts'
import {
  anyFile,
  duration,
  type Kind,
  listenAddress,
  oneOf,
} from '../../settings/setting-values.ts'
import { FEED_EVENT_TYPES } from '../../store/feed-store.ts'
import { type Command, type CommandInput, usageError } from '../command.ts'
import { readApiKey, readSecretFile } from './relay-secrets.ts'

/** Both ways of `relay` send to one receiver. */
export type Receiver = {
  readonly to: Address
  readonly keys: readonly Uint8Array[]
}

export type RelayFlags = Receiver & {
  readonly kind: 'relay'
  readonly from: Address
  readonly apiKey: string
  readonly choice: FeedChoice
  readonly start: 'now' | 'oldest'
  readonly cursorPath: string
  readonly deadLettersPath: string
  readonly giveUpAfterMs: number
  readonly metricsListen: { readonly host: string; readonly port: number } | undefined
}

export type ReplayFlags = Receiver & {
  readonly kind: 'replay'
  readonly deadLettersPath: string
}

const CURSOR_PATH = 'data/relay.cursor'
const DEAD_LETTERS = '.dead.ndjson'
const GIVE_UP_AFTER = '76h'

export const RELAY_FLAGS = {
  options: {
    from: { type: 'string' },
    to: { type: 'string' },
    'secret-file': { type: 'list' },
    'api-key-file': { type: 'string' },
    'api-key': {
      type: 'string',
      refusal:
        'must come by the environment (COATCHECK_API_KEY) or a file (--api-key-file): others see a command line',
    },
    secret: {
      type: 'string',
      refusal: 'must come by a file (--secret-file): others see a command line',
    },
    type: { type: 'string' },
    sub: { type: 'string' },
    start: { type: 'string' },
    'cursor-file': { type: 'string' },
    'dead-letters': { type: 'string' },
    'give-up-after': { type: 'string' },
    'metrics-listen': { type: 'string' },
    replay: { type: 'string' },
  },
  flagHelp: [
    ['--from URL', 'the server whose events are sent; unix:PATH for its socket'],
    ['--to URL', 'the receiver'],
    ['--secret-file FILE', 'the secret that signs (whsec_…); twice while one is changed'],
    ['--api-key-file FILE', 'the API key for the server, of scope read; also COATCHECK_API_KEY'],
    ['--type TYPE', 'events of this type alone'],
    ['--sub USER', 'events of this user alone'],
    [
      '--start now|oldest',
      'where a first start begins: at what happens next, or at the oldest [now]',
    ],
    ['--cursor-file FILE', `how far the relay has come [${CURSOR_PATH}]`],
    ['--dead-letters FILE', `events that were given up [the cursor's file and ${DEAD_LETTERS}]`],
    [
      '--give-up-after TIME',
      `an event is given up so long after it first failed [${GIVE_UP_AFTER}]`,
    ],
    ['--metrics-listen HOST:PORT', 'GET /metrics here, without a key'],
    ['--replay FILE', 'send the dead letters of FILE again, and end'],
  ],
  flagWords: { '--type': FEED_EVENT_TYPES },
} as const satisfies Pick<Command, 'options' | 'flagHelp' | 'flagWords'>

/** Throws a `UsageError` for flags that are wrong, and a `RelayError` for what they name. */
export function readRelayFlags(
  command: Command,
  { flags, lists }: CommandInput,
): RelayFlags | ReplayFlags {
  const { replay } = flags
  if (typeof replay === 'string') {
    const others = Object.keys(flags).filter((name) => !FLAGS_OF_REPLAY.includes(name))
    if (others.length > 0) {
      const names = others.map((name) => `--${name}`).join(', ')
      throw usageError(command, `--replay must come without ${names}: it reads FILE, and no feed`)
    }
    return { kind: 'replay', ...readReceiver(), deadLettersPath: replay }
  }

  const cursorPath = read('cursor-file', anyFile) ?? CURSOR_PATH
  return {
    kind: 'relay',
    ...readReceiver(),
    from: readAddressOrSocket(need('from', 'URL'), '--from'),
    apiKey: readApiKey(text('api-key-file')),
    choice: { type: read('type', oneOf(...FEED_EVENT_TYPES)), sub: text('sub') },
    start: read('start', oneOf('now', 'oldest')) ?? 'now',
    cursorPath,
    deadLettersPath: read('dead-letters', anyFile) ?? cursorPath + DEAD_LETTERS,
    giveUpAfterMs: read('give-up-after', GIVE_UP) ?? GIVE_UP.parse(GIVE_UP_AFTER) ?? 0,
    metricsListen: read('metrics-listen', hostAndPort),
  }

  function readReceiver(): Receiver {
    const to = readAddress(need('to', 'URL'), '--to')
    const paths = lists['secret-file'] ?? []
    if (paths.length === 0) throw usageError(command, 'Missing --secret-file FILE')
    return { to, keys: paths.map(readSecretFile) }
  }

  function text(name: string): string | undefined {
    const value = flags[name]
    return typeof value === 'string' ? value : undefined
  }

  function need(name: string, placeholder: string): string {
    const value = text(name)
    if (value === undefined) throw usageError(command, `Missing --${name} ${placeholder}`)
    return value
  }

  function read<T>(name: string, kind: Kind<T>): T | undefined {
    const given = text(name)
    if (given === undefined) return undefined
    const value = kind.parse(given)
    if (value !== undefined) return value
    throw usageError(command, `--${name} must be ${kind.expected}, got ${quote(given)}`)
  }
}

const FLAGS_OF_REPLAY: readonly string[] = ['replay', 'to', 'json']

const GIVE_UP = duration('0', '30d')

const hostAndPort: Kind<{ readonly host: string; readonly port: number }> = {
  placeholder: 'HOST:PORT',
  expected: 'HOST:PORT with a port from 0 to 65535, such as 127.0.0.1:7379 or [::1]:7379',
  parse(text) {
    const address = listenAddress.parse(text)
    return address !== undefined && 'host' in address ? address : undefined
  },
}
