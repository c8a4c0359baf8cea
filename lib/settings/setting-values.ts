import { isIP, isIPv6 } from 'node:net'
import { domainToASCII } from 'node:url'
import {
  ADDRESS_SHAPE,
  type DatabaseAddress,
  explainAddress,
  parseAddress,
} from '../base/database-address.ts'
import { API_KEY_SHAPE, isApiKey } from '../session/api-key.ts'

/** A kind of setting: how its values are described and parsed. */
export type Kind<T> = {
  /** Stands for the value in the help, as in `--port NUMBER`. */
  readonly placeholder: string
  /** Follows "must be" in a fault. */
  readonly expected: string
  /** Undefined for a text that is no value of this kind. */
  readonly parse: (text: string) => T | undefined
  /**
   * Why a text is no value, in words that show nothing of it: for a kind whose wrong texts may hold a
   * secret, and are never shown.
   */
  readonly explain?: (text: string) => string
}

/** A duration in milliseconds, from `shortest` to `longest`, both written as durations themselves. */
export function duration(shortest: string, longest: string): Kind<number> {
  const leastMs = readDuration(shortest)
  const mostMs = readDuration(longest)
  return {
    placeholder: 'DURATION',
    expected: `a duration from ${shortest} to ${longest} in whole ms, s, m, h, d or w, such as 90s or 1h30m`,
    parse: (text) => within(leastMs, mostMs, readDuration(text)),
  }
}

/** A size in bytes, from `smallest` to `largest`, both written as sizes themselves. */
export function size(smallest: string, largest: string): Kind<number> {
  const leastBytes = readSize(smallest)
  const mostBytes = readSize(largest)
  return {
    placeholder: 'SIZE',
    expected: `a size from ${smallest} to ${largest} in whole B, KB, KiB, MB or MiB, such as 65536 or 64KiB`,
    parse: (text) => within(leastBytes, mostBytes, readSize(text)),
  }
}

export function integer(least: number, most: number): Kind<number> {
  return {
    placeholder: 'NUMBER',
    expected: `an integer from ${least} to ${most}`,
    parse: (text) => within(least, most, readInteger(text)),
  }
}

export function oneOf<const Word extends string>(...words: readonly Word[]): Kind<Word> {
  return {
    placeholder: words.join('|'),
    expected: words.join(' or '),
    parse: (text) => words.find((word) => word === text),
  }
}

/** Where to listen: a host name, or an address without the brackets that a URL puts around it. */
export const host: Kind<string> = {
  placeholder: 'HOST',
  expected: 'a host name or an IP address, such as localhost, 0.0.0.0 or ::1',
  parse: (text) => (isIP(text) !== 0 || isHostName(text) ? text : undefined),
}

/** The path in `unix:PATH`. Linux takes at most 107 bytes and refuses more with a bare EINVAL. */
export const unixSocket: Kind<string> = {
  placeholder: 'unix:PATH',
  expected: 'unix:PATH with a path of 1 to 107 bytes, such as unix:/run/coatcheck.sock',
  parse(text) {
    if (!text.startsWith('unix:')) return undefined
    const path = text.slice('unix:'.length)
    return within(1, 107, Buffer.byteLength(path)) === undefined ? undefined : path
  },
}

export type ListenAddress =
  { readonly host: string; readonly port: number } | { readonly path: string }

/** Where to listen, in one value: a host with its port, or a unix socket. */
export const listenAddress: Kind<ListenAddress> = {
  placeholder: 'HOST:PORT|unix:PATH',
  expected:
    'HOST:PORT with a port from 0 to 65535, or unix:PATH with a path of 1 to 107 bytes, ' +
    'such as 127.0.0.1:7378, [::1]:7378 or unix:/run/coatcheck-admin.sock',
  parse(text) {
    const path = unixSocket.parse(text)
    if (path !== undefined) return { path }
    const [, bracketed, name = bracketed ?? '', digits = ''] =
      /^(?:\[([\da-f:.]+)\]|([^:[\]]+)):(\d+)$/i.exec(text) ?? []
    const port = within(0, 65_535, readInteger(digits))
    const isHost = bracketed === undefined ? host.parse(name) !== undefined : isIPv6(bracketed)
    return port === undefined || !isHost ? undefined : { host: name, port }
  },
}

/**
 * A file on disk. better-sqlite3 trims the path, and opens a temporary database for an empty one and
 * for `:memory:`: a restart would lose it.
 */
export const dataFile: Kind<string> = {
  placeholder: 'PATH',
  expected:
    'the path of a file on disk, such as data/sessions.db, that does not end like the files ' +
    'beside a data file (.lock, .reserve, -wal, -shm, -journal)',
  parse(text) {
    if (/(\.lock|\.reserve|-wal|-shm|-journal)$/.test(text)) return undefined
    if (text === '' || text !== text.trim()) return undefined
    return text === ':memory:' || /[/\\]$/.test(text) ? undefined : text
  },
}

/** Any file; it need not exist. */
export const anyFile: Kind<string> = {
  placeholder: 'PATH',
  expected: 'the path of a file, such as /run/secrets/coatcheck',
  parse: (text) => (text === '' || /[/\\]$/.test(text) ? undefined : text),
}

/** Where a database is; whoever writes the password into it as well is told to take it out. */
export const databaseAddress: Kind<DatabaseAddress> = {
  placeholder: 'ADDRESS',
  expected:
    `${ADDRESS_SHAPE}; its password comes by COATCHECK_STORE_PASSWORD or ` +
    'the file that --store-password-file names',
  parse: (text) => (explainAddress(text) === '' ? parseAddress(text) : undefined),
  explain: explainAddress,
}

export const password: Kind<string> = {
  placeholder: 'PASSWORD',
  expected: 'a password in one line',
  parse: (text) => (/^.+$/.test(text) ? text : undefined),
}

/** API keys, separated by commas. */
export const apiKeys: Kind<string[]> = {
  placeholder: 'KEYS',
  expected: `one or more API keys separated by commas, each ${API_KEY_SHAPE}`,
  parse(text) {
    const keys = text.split(',').map((key) => key.trim())
    return keys.every(isApiKey) ? keys : undefined
  },
}

/**
 * Proxies that are trusted to tell a client's address and scheme: addresses, ranges in CIDR notation,
 * and `unix` for every peer on the unix socket.
 */
export const proxies: Kind<string[]> = {
  placeholder: 'LIST',
  expected:
    'none, or a list of IP addresses, CIDR ranges and the words loopback and unix, ' +
    'such as 10.0.0.0/8,192.0.2.7',
  parse(text) {
    if (text === 'none') return []
    // As in Express's `trust proxy`, but it trusts the loopback only, not everyone.
    if (text === 'true') return [...loopback]
    const found = text.split(',').map((item) => readProxy(item.trim()))
    return found.includes(undefined) ? undefined : [...new Set(found.flatMap((item) => item ?? []))]
  },
}

/** A token of RFC 9110. Coatcheck itself adds the prefix `__Host-Http-` to a secure cookie. */
export const cookieToken: Kind<string> = {
  placeholder: 'NAME',
  expected:
    "a cookie's name of 1 to 100 letters, digits and !#$%&'*+-.^_`|~, " +
    'without a prefix such as __Host- or __Secure-',
  parse(text) {
    const isToken = /^[\w!#$%&'*+.^`|~-]{1,100}$/.test(text)
    // Browsers compare prefixes case-insensitively.
    return isToken && !/^__(host|secure|http)-/i.test(text) ? text : undefined
  },
}

/**
 * The `Domain` of a cookie, in lower case and, with letters beyond ASCII, as `xn--`. Browsers refuse a
 * single label or an address. They refuse a public suffix such as `co.uk` as well: that is not checked.
 */
export const cookieDomain: Kind<string> = {
  placeholder: 'DOMAIN',
  expected:
    'a domain of two labels or more, whose hosts share the cookie, such as example.com; ' +
    'no single label, no address',
  parse(text) {
    // `domainToASCII` would cut off a port or a path.
    if (/[^\p{L}\p{M}\p{N}._-]/u.test(text)) return undefined
    const domain = domainToASCII(text.replace(/^\./, ''))
    const isDomain = isHostName(domain) && domain.includes('.') && isIP(domain) === 0
    return isDomain && domain.split('.').every((label) => label.length <= 63) ? domain : undefined
  },
}

/** Case-insensitive, as in the header itself. */
export const sameSite: Kind<'Strict' | 'Lax' | 'None'> = {
  placeholder: 'strict|lax|none',
  expected: 'strict or lax or none',
  parse: (text) =>
    (['Strict', 'Lax', 'None'] as const).find((word) => word.toLowerCase() === text.toLowerCase()),
}

function readDuration(text: string): number | undefined {
  const parts = /^(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?(?:(\d+)ms)?$/.exec(text)
  if (text === '0') return 0
  if (parts === null || text === '') return undefined
  const [weeks, days, hours, minutes, seconds, milliseconds] = parts
    .slice(1)
    .map((digits: string | undefined) => Number(digits ?? 0))
  return (
    (weeks ?? 0) * 604_800_000 +
    (days ?? 0) * 86_400_000 +
    (hours ?? 0) * 3_600_000 +
    (minutes ?? 0) * 60_000 +
    (seconds ?? 0) * 1000 +
    (milliseconds ?? 0)
  )
}

const bytesOfUnit: ReadonlyMap<string, number> = new Map([
  ['', 1],
  ['b', 1],
  ['kb', 1000],
  ['kib', 1024],
  ['mb', 1000 ** 2],
  ['mib', 1024 ** 2],
])

function readSize(text: string): number | undefined {
  const [, digits, unit] = /^(\d+)([a-z]*)$/i.exec(text) ?? []
  const unitBytes = bytesOfUnit.get((unit ?? '').toLowerCase())
  return unitBytes === undefined ? undefined : Number(digits) * unitBytes
}

function readInteger(text: string): number | undefined {
  return /^(0|[1-9]\d*)$/.test(text) ? Number(text) : undefined
}

const loopback = ['127.0.0.0/8', '::1/128']

function readProxy(item: string): string[] | undefined {
  if (item === 'loopback') return loopback
  if (item === 'unix') return [item]
  const [address = '', prefix, ...rest] = item.split('/')
  // A zone, as in fe80::1%eth0, names an interface of one machine: no peer address has it.
  if (isIP(address) === 0 || address.includes('%') || rest.length > 0) return undefined
  if (prefix === undefined) return [item]
  return within(0, isIPv6(address) ? 128 : 32, readInteger(prefix)) === undefined
    ? undefined
    : [item]
}

// A name whose last label is a number is a malformed IPv4 address, such as 127.0.0 or 256.1.1.1.
function isHostName(text: string): boolean {
  return (
    text.length <= 253 &&
    /^[a-z\d_]([a-z\d_-]*[a-z\d_])?(\.[a-z\d_]([a-z\d_-]*[a-z\d_])?)*$/i.test(text) &&
    !/(^|\.)\d+$/.test(text)
  )
}

function within(
  least: number | undefined,
  most: number | undefined,
  value: number | undefined,
): number | undefined {
  if (least === undefined || most === undefined || value === undefined) return undefined
  return value >= least && value <= most ? value : undefined
}
