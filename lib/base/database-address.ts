/** Where a PostgreSQL database is: `postgres://user@host:port,host:port/database?sslmode=…`, as libpq's URIs. */
import { CoatcheckError } from './errors.ts'
import { isLoopback } from './loopback.ts'

export type DatabaseAddress = {
  /** Whichever of them takes writes is used. */
  readonly hosts: readonly Host[]
  readonly user: string
  readonly database: string
  readonly tls: TlsMode
  /** A file in PEM; undefined for the certificate authorities that Node knows. */
  readonly rootCertificatePath: string | undefined
  /** Whether statements are prepared by name; false behind a pooler that knows no names. */
  readonly prepare: boolean
}

/** A host that begins with a slash is the folder of a unix socket. */
export type Host = { readonly host: string; readonly port: number }

/** As libpq's `sslmode`, without those that fall back to plain text. */
export type TlsMode = (typeof TLS_MODES)[number]

const TLS_MODES = ['disable', 'require', 'verify-ca', 'verify-full'] as const
const PARAMETERS = ['sslmode', 'sslrootcert', 'prepare'] as const
const DEFAULT_PORT = 5432
/** How it is written, for people. */
export const ADDRESS_SHAPE = 'postgres://USER@HOST[:PORT][,HOST[:PORT]…]/DATABASE'
const ACTION = 'Cannot read the address of the database: '

const ADDRESS = /^postgres(?:ql)?:\/\/([^:@/?#]+)@([^/?#@]+)\/([^/?#]+)(?:\?(.*))?$/

/** Throws `invalid_argument` for whatever is no such address. The text may hold a password: none of it is shown. */
export function parseAddress(text: string): DatabaseAddress {
  const [, user, hosts = '', database = '', query = ''] = ADDRESS.exec(text) ?? []
  if (user === undefined) throw invalid('it has another shape, or a password in it')
  const parameters = new URLSearchParams(query)
  for (const name of parameters.keys()) {
    if (!(PARAMETERS as readonly string[]).includes(name)) {
      throw invalid(`its parameters are ${PARAMETERS.join(', ')}, got another`)
    }
  }
  const parsedHosts = hosts.split(',').map(parseHost)
  return {
    hosts: parsedHosts,
    user: decode(user),
    database: decode(database),
    tls: parseTlsMode(parameters.get('sslmode'), parsedHosts),
    rootCertificatePath: parameters.get('sslrootcert') ?? undefined,
    prepare: parsePrepare(parameters.get('prepare')),
  }
}

/** What is wrong with such a text, in words that show nothing of it; empty where nothing is. */
export function explainAddress(text: string): string {
  try {
    parseAddress(text)
    return ''
  } catch (error) {
    if (!(error instanceof CoatcheckError)) throw error
    return error.message.slice(ACTION.length)
  }
}

/** The place without the user: hosts with their ports, and the database. */
export function describeAddress({ hosts, database }: DatabaseAddress): string {
  const places = hosts.map(({ host, port }) => `${host.includes(':') ? `[${host}]` : host}:${port}`)
  return `postgres://${places.join(',')}/${database}`
}

/** Whether what is sent there stays on this machine. */
export function isLocal({ host }: Host): boolean {
  return host.startsWith('/') || isLoopback(host)
}

function parseHost(text: string): Host {
  const [, bracketed, plain, port] =
    /^(?:\[([\da-f:.]+)\]|([^:[\]]+))(?::(\d{1,5}))?$/i.exec(text) ?? []
  const host = bracketed ?? plain
  const number = port === undefined ? DEFAULT_PORT : Number(port)
  if (host === undefined || number < 1 || number > 65_535) {
    throw invalid('a host is NAME, NAME:PORT or [IPV6]:PORT, the port from 1 to 65535')
  }
  return { host: decode(host), port: number }
}

/** Whoever is between here and another machine could be anybody: the certificate is checked there. */
function parseTlsMode(text: string | null, hosts: readonly Host[]): TlsMode {
  if (text === null) return hosts.every(isLocal) ? 'disable' : 'verify-full'
  const mode = TLS_MODES.find((one) => one === text)
  if (mode === undefined) throw invalid(`sslmode is one of ${TLS_MODES.join(', ')}`)
  return mode
}

function parsePrepare(text: string | null): boolean {
  if (text === null || text === 'true') return true
  if (text === 'false') return false
  throw invalid('prepare is true or false')
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw invalid('a "%" in it begins no two hexadecimal digits; write it as %25')
  }
}

function invalid(expected: string): CoatcheckError {
  return new CoatcheckError('invalid_argument', ACTION + expected)
}
