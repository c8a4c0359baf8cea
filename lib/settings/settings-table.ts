import {
  anyFile,
  apiKeys,
  cookieDomain,
  cookieToken,
  duration,
  host,
  integer,
  listenAddress,
  oneOf,
  proxies,
  sameSite,
  size,
  unixSocket,
} from './setting-values.ts'
import type { SettingRow } from './setting-row.ts'
import { storageSettings } from './storage-settings.ts'

const table = [
  {
    name: 'host',
    flag: '--host',
    kind: host,
    default: '127.0.0.1',
    group: 'Listening',
    description: 'The host name or address to listen on',
  },
  {
    name: 'port',
    flag: '--port',
    kind: integer(0, 65_535),
    default: '7377',
    group: 'Listening',
    description: 'The port to listen on; 0 picks a free one',
  },
  {
    name: 'listenPath',
    flag: '--listen',
    kind: unixSocket,
    default: undefined,
    group: 'Listening',
    description: 'Listen on this unix socket instead of a host and port',
  },
  {
    name: 'adminListen',
    flag: '--admin-listen',
    kind: listenAddress,
    default: undefined,
    group: 'Listening',
    description:
      'Listen here, too, for the operator: metrics, health, API document and manual, without an API ' +
      'key, and the dashboard; the main address then has no metrics and no dashboard',
  },
  {
    name: 'trustedProxies',
    flag: '--trust-proxy',
    kind: proxies,
    default: 'none',
    bare: 'loopback',
    group: 'Listening',
    description:
      'The proxies whose Forwarded and X-Forwarded headers are trusted: addresses and CIDR ranges, ' +
      'separated by commas, loopback, unix (every peer on the unix socket); without a value, loopback',
  },
  {
    name: 'logFormat',
    flag: '--log-format',
    kind: oneOf('text', 'json'),
    default: undefined,
    group: 'Listening',
    description:
      'How lines of the log are written to stderr: text, for a person; json, an object a line, for a ' +
      'program; without it, text if stderr is a terminal and json if not',
  },
  ...storageSettings,
  {
    name: 'idleTimeoutMs',
    flag: '--idle-timeout',
    kind: duration('1ms', '3650d'),
    default: '30m',
    group: 'Sessions',
    description: 'A session ends after this long without a request',
  },
  {
    name: 'lifetimeMs',
    flag: '--lifetime',
    kind: duration('1ms', '400d'),
    default: '12h',
    group: 'Sessions',
    description: 'A session ends this long after its creation, even if it is in use',
  },
  {
    name: 'permanentIdleTimeoutMs',
    flag: '--permanent-idle-timeout',
    kind: duration('1ms', '3650d'),
    default: '31d',
    group: 'Sessions',
    description: 'The idle timeout of a permanent session',
  },
  {
    name: 'permanentLifetimeMs',
    flag: '--permanent-lifetime',
    // No browser keeps a cookie for longer than 400 days (RFC 6265bis).
    kind: duration('1ms', '400d'),
    default: '31d',
    group: 'Sessions',
    description: 'The lifetime of a permanent session',
  },
  {
    name: 'cookieName',
    flag: '--cookie-name',
    kind: cookieToken,
    default: 'sid',
    group: 'Sessions',
    description:
      'The name of the session cookie; over https it gets the prefix __Host-Http-, or __Secure- with ' +
      'a domain',
  },
  {
    name: 'cookieDomain',
    flag: '--cookie-domain',
    kind: cookieDomain,
    default: undefined,
    group: 'Sessions',
    description:
      'The domain whose hosts share the session cookie: with example.com, a.example.com and ' +
      'b.example.com do; without it, the cookie is for one host only',
  },
  {
    name: 'cookieSameSite',
    flag: '--cookie-same-site',
    kind: sameSite,
    default: 'lax',
    group: 'Sessions',
    description:
      'Whether browsers send the session cookie with requests that come from other sites: none, always ' +
      '(over https; over http it is lax); lax, when a link is followed; strict, never',
  },
  {
    name: 'maxSessionsPerSub',
    flag: '--max-sessions-per-sub',
    kind: integer(1, 1_000_000),
    default: undefined,
    group: 'Sessions',
    description: 'The most live sessions of one user (claims.sub); without it, no limit',
  },
  {
    name: 'onSessionLimit',
    flag: '--on-session-limit',
    kind: oneOf('evict', 'refuse'),
    default: 'evict',
    group: 'Sessions',
    description:
      'When a user has too many sessions: evict ends the oldest, refuse answers with 409',
  },
  {
    name: 'apiKeys',
    flag: '--api-key',
    kind: apiKeys,
    default: undefined,
    isSecret: true,
    group: 'Access',
    description:
      'API keys for back ends, separated by commas; only from the environment, since everyone on the ' +
      'machine can read a command line',
  },
  {
    name: 'apiKeyPath',
    flag: '--api-key-file',
    kind: anyFile,
    default: undefined,
    group: 'Access',
    description:
      'A file of API keys, one per line; if there is no key at all, the first start makes one and ' +
      'writes it to this file, by default PATH.api-key beside the data file, or data/coatcheck.api-key ' +
      'with --store',
  },
  {
    name: 'holderAccess',
    flag: '--holder-access',
    kind: oneOf('read-write', 'read', 'none'),
    default: 'read-write',
    group: 'Access',
    description:
      'What a holder may do on /session with only the cookie; with read, only back ends write, except ' +
      'for the log-out',
  },
  {
    name: 'deviceInfo',
    flag: '--device-info',
    kind: oneOf('on', 'off'),
    default: 'on',
    group: 'Access',
    description:
      'Whether a session stores the address and the user agent that created it, for back ends',
  },
  {
    name: 'tour',
    flag: '--tour',
    kind: oneOf('auto', 'on', 'off'),
    default: 'auto',
    bare: 'on',
    group: 'Access',
    description:
      'Whether /tour shows cookies and sessions live, to try the API in a browser; auto: only where ' +
      'the server listens on a loopback address and trusts no proxy',
  },
  {
    name: 'sessionLimitBytes',
    flag: '--session-limit',
    kind: size('1B', '256MiB'),
    default: '64KiB',
    group: 'Limits',
    description:
      'The largest size of data and claims of a session together; claims alone may take all of it',
  },
  {
    name: 'keyLimitBytes',
    flag: '--key-limit',
    kind: size('1B', '256MiB'),
    default: '256B',
    group: 'Limits',
    description: 'The longest key',
  },
  {
    name: 'maxKeys',
    flag: '--max-keys',
    kind: integer(1, 1_000_000),
    default: '1000',
    group: 'Limits',
    description: 'The most keys of a session',
  },
  {
    name: 'maxDepth',
    flag: '--max-depth',
    kind: integer(1, 1000),
    default: '64',
    group: 'Limits',
    description: 'The deepest nesting of a value',
  },
  {
    name: 'bodyLimitBytes',
    flag: '--body-limit',
    kind: size('1B', '256MiB'),
    default: '1MiB',
    group: 'Limits',
    description: 'The largest body of a request; at least the session limit',
  },
  {
    name: 'headerLimitBytes',
    flag: '--header-limit',
    kind: size('1KiB', '256MiB'),
    default: '16KiB',
    group: 'Limits',
    description: 'The largest size of all headers of a request together',
  },
  {
    name: 'createRate',
    flag: '--create-rate',
    kind: integer(1, 1_000_000),
    default: undefined,
    group: 'Limits',
    description:
      'The most sessions that one address may create per minute without an API key; without it, no ' +
      'limit',
  },
  {
    name: 'maxConnections',
    flag: '--max-connections',
    kind: integer(1, 1_000_000),
    default: '10000',
    group: 'Limits',
    description: 'The most open connections; further ones are closed at once',
  },
  {
    name: 'maxEventStreams',
    flag: '--max-event-streams',
    kind: integer(1, 1_000_000),
    default: '1000',
    group: 'Limits',
    description:
      'The most streams of events that are read at once; further ones are answered with 503',
  },
  {
    name: 'maxPendingWrites',
    flag: '--max-pending-writes',
    kind: integer(1, 1_000_000),
    default: '10000',
    group: 'Limits',
    description: 'The most writes that wait for the disk; further ones are answered with 503',
  },
  {
    name: 'maxWriteWaitMs',
    flag: '--max-write-wait',
    kind: duration('10ms', '1h'),
    default: '2s',
    group: 'Time limits',
    description: 'How long a write may wait to begin; after that it is answered with 503',
  },
  {
    name: 'headerTimeoutMs',
    flag: '--header-timeout',
    kind: duration('1ms', '1d'),
    default: '5s',
    group: 'Time limits',
    description: 'How long a client may take to send its headers',
  },
  {
    name: 'requestTimeoutMs',
    flag: '--request-timeout',
    kind: duration('1ms', '1d'),
    default: '15s',
    group: 'Time limits',
    description: 'How long a client may take to send a whole request, and to read the answer',
  },
  {
    name: 'keepAliveTimeoutMs',
    flag: '--keep-alive-timeout',
    kind: duration('1ms', '1d'),
    default: '75s',
    group: 'Time limits',
    description: "How long an idle connection stays open; should exceed the proxy's own limit",
  },
  {
    name: 'stopTimeoutMs',
    flag: '--stop-timeout',
    kind: duration('1ms', '1d'),
    default: '10s',
    group: 'Time limits',
    description: 'How long a stop may take, requests in progress included',
  },
  {
    name: 'stopDelayMs',
    flag: '--stop-delay',
    kind: duration('0', '1d'),
    default: '0s',
    group: 'Time limits',
    description:
      'How long a server goes on as before when it is told to stop, but for a 503 at /healthz, so that a load ' +
      'balancer sends it nothing more; comes before --stop-timeout',
  },
  {
    name: 'testClock',
    flag: '--test-clock',
    kind: oneOf('on', 'off'),
    default: 'off',
    bare: 'on',
    group: 'Tests of applications',
    description:
      'Let POST /_clock move the time on, without an API key, so that tests see sessions expire; only ' +
      'on loopback addresses and unix sockets',
  },
] as const satisfies readonly SettingRow[]

/**
 * The only table of settings: parsing, help and manual come from it. Durations of timers are at most a
 * day, since a timer of Node with more than 24.8 days fires at once.
 */
export const settingsTable: readonly SettingRow[] = table

/** The settings by name, with types from the table. */
export type Settings = {
  readonly [Row in (typeof table)[number] as Row['name']]:
    | Exclude<ReturnType<Row['kind']['parse']>, undefined>
    | (Row['default'] extends undefined ? undefined : never)
}

/** `--idle-timeout` is `COATCHECK_IDLE_TIMEOUT` in the environment. */
export function variableOf(row: SettingRow): string {
  return `COATCHECK_${row.flag.slice(2).replaceAll('-', '_').toUpperCase()}`
}

export function rowOf(name: keyof Settings): SettingRow {
  const row = table.find((row) => row.name === name)
  if (row === undefined) throw new Error(`There is no setting ${name}`)
  return row
}
