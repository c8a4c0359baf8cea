import {
  anyFile,
  apiKeys,
  cookieDomain,
  cookieToken,
  dataFile,
  duration,
  host,
  integer,
  oneOf,
  proxies,
  sameSite,
  size,
  unixSocket,
  type Kind,
} from './setting-values.ts'

/** One setting, as the parser, the help and the README know it. */
export type SettingRow = {
  readonly name: string
  readonly flag: `--${string}`
  readonly kind: Kind<unknown>
  /** Written as a user would; undefined for a setting that may be absent. */
  readonly default: string | undefined
  /** What the flag means when it comes without a value; absent where it needs one. */
  readonly bare?: string
  /** Everybody on the machine sees a command line: a secret comes by the environment, and is not shown. */
  readonly isSecret?: boolean
  readonly group: string
  readonly description: string
}

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
    name: 'trustedProxies',
    flag: '--trust-proxy',
    kind: proxies,
    default: 'none',
    bare: 'loopback',
    group: 'Listening',
    description:
      'Whose Forwarded and X-Forwarded headers to believe: addresses and CIDR ranges with commas between, ' +
      'loopback, unix (every peer on the unix socket); without a value, loopback',
  },
  {
    name: 'dataPath',
    flag: '--data',
    kind: dataFile,
    default: 'data/sessions.db',
    group: 'Storage',
    description: 'The SQLite file that holds the sessions',
  },
  {
    name: 'durability',
    flag: '--durability',
    kind: oneOf('full', 'relaxed'),
    default: 'full',
    group: 'Storage',
    description:
      'full: an answered write is on disk; relaxed: a power cut may lose about the last second',
  },
  {
    name: 'walLimitBytes',
    flag: '--wal-limit',
    kind: size('1MiB', '1048576MiB'),
    default: '1024MiB',
    group: 'Storage',
    description:
      'How large the WAL beside the data may grow while another program reads for long; then only ' +
      'log-outs are written',
  },
  {
    name: 'sweepIntervalMs',
    flag: '--sweep-interval',
    kind: duration('1ms', '1d'),
    default: '1m',
    group: 'Storage',
    description: 'How often expired sessions and old tombstones are swept away',
  },
  {
    name: 'keepEndedMs',
    flag: '--keep-ended',
    kind: duration('0', '3650d'),
    default: '24h',
    group: 'Storage',
    description: 'How long to remember why a session ended; 0 forgets it at once',
  },
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
    description: 'A session ends this long after its creation, however busy',
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
      'The name of the session cookie; over https it gets the prefix __Host-Http-, or __Secure- where ' +
      'it has a domain',
  },
  {
    name: 'cookieDomain',
    flag: '--cookie-domain',
    kind: cookieDomain,
    default: undefined,
    group: 'Sessions',
    description:
      'The domain whose hosts share the session cookie, as a.example.com and b.example.com do that of ' +
      'example.com; without it, the cookie is for one host alone',
  },
  {
    name: 'cookieSameSite',
    flag: '--cookie-same-site',
    kind: sameSite,
    default: 'lax',
    group: 'Sessions',
    description:
      'Whether browsers send the session cookie with what another site asks for: none, always (https ' +
      'only, over http it stays lax); lax, with its links; strict, never',
  },
  {
    name: 'maxSessionsPerSub',
    flag: '--max-sessions-per-sub',
    kind: integer(1, 1_000_000),
    default: undefined,
    group: 'Sessions',
    description: 'The most live sessions of one user, as claims.sub names it; no limit without it',
  },
  {
    name: 'onSessionLimit',
    flag: '--on-session-limit',
    kind: oneOf('evict', 'refuse'),
    default: 'evict',
    group: 'Sessions',
    description:
      "evict: one session too many ends the user's oldest; refuse: it is answered with 409",
  },
  {
    name: 'apiKeys',
    flag: '--api-key',
    kind: apiKeys,
    default: undefined,
    isSecret: true,
    group: 'Access',
    description:
      'API keys for back ends, with commas between; only from the environment, since others see a ' +
      'command line',
  },
  {
    name: 'apiKeyPath',
    flag: '--api-key-file',
    kind: anyFile,
    default: undefined,
    group: 'Access',
    description:
      'A file of API keys, one a line; where there is no key at all the first start makes one and ' +
      'writes it here, or beside the data file as PATH.api-key',
  },
  {
    name: 'holderAccess',
    flag: '--holder-access',
    kind: oneOf('read-write', 'read', 'none'),
    default: 'read-write',
    group: 'Access',
    description:
      'What a holder may do on /session with the cookie alone; read leaves the writing to back ends, ' +
      'except for the log-out',
  },
  {
    name: 'deviceInfo',
    flag: '--device-info',
    kind: oneOf('on', 'off'),
    default: 'on',
    group: 'Access',
    description:
      'Whether a session keeps the address and the user agent that created it, for back ends',
  },
  {
    name: 'sessionLimitBytes',
    flag: '--session-limit',
    kind: size('1B', '256MiB'),
    default: '64KiB',
    group: 'Limits',
    description:
      'The most that data and claims of a session may take together; claims alone may, whatever data takes',
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
    description: 'How deep a value may nest',
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
    description: 'The most that the headers of a request may take together',
  },
  {
    name: 'createRate',
    flag: '--create-rate',
    kind: integer(1, 1_000_000),
    default: undefined,
    group: 'Limits',
    description:
      'The most sessions that one address may begin in a minute, without an API key; no limit ' +
      'without it',
  },
  {
    name: 'maxConnections',
    flag: '--max-connections',
    kind: integer(1, 1_000_000),
    default: '10000',
    group: 'Limits',
    description: 'The most connections at a time; more are closed at once',
  },
  {
    name: 'maxPendingWrites',
    flag: '--max-pending-writes',
    kind: integer(1, 1_000_000),
    default: '10000',
    group: 'Limits',
    description: 'The most writes that wait for the disk; more are answered with 503',
  },
  {
    name: 'maxWriteWaitMs',
    flag: '--max-write-wait',
    kind: duration('10ms', '1h'),
    default: '2s',
    group: 'Time limits',
    description: 'How long a write may wait to begin; one that would longer is answered with 503',
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
    description: 'How long a client may take to send a whole request, and to take what it is sent',
  },
  {
    name: 'keepAliveTimeoutMs',
    flag: '--keep-alive-timeout',
    kind: duration('1ms', '1d'),
    default: '75s',
    group: 'Time limits',
    description: "How long an idle connection stays open; longer than a proxy's own limit",
  },
  {
    name: 'stopTimeoutMs',
    flag: '--stop-timeout',
    kind: duration('1ms', '1d'),
    default: '10s',
    group: 'Time limits',
    description: 'How long requests in progress may take when the server stops',
  },
] as const satisfies readonly SettingRow[]

/**
 * The table that the parsing, the help and the README's settings come from. Whatever a timer waits
 * for ends at a day: past 24.8 days a timer of Node fires at once.
 */
export const settingsTable: readonly SettingRow[] = table

/** The settings by name, typed by the table, so that neither can have what the other lacks. */
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
