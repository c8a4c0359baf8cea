/** Finds the one of several hosts that takes writes. */
import { readFileSync } from 'node:fs'
import pg from 'pg'
import { type DatabaseAddress, type Host, isLocal } from '../../base/database-address.ts'

/** A connection that has just been opened to a server that takes writes. */
export type Primary = {
  readonly client: pg.Client
  /** Tells one start of one server from all others. */
  readonly server: string
  /** Higher where a server was promoted later; 0 where the database does not say. */
  readonly timeline: number
  /** Whether it has ended since. */
  readonly isLost: () => boolean
}

export type Settings = readonly (readonly [name: string, value: string])[]

/** Undefined for none; a function is asked anew by each connection. */
export type Password = string | (() => Promise<string>) | undefined

export type ConnectOptions = DatabaseAddress & {
  readonly password: Password
  readonly applicationName: string
  readonly connectTimeoutMs: number
  /** Settings, with their values, that hold for all statements. */
  readonly setup: Settings
}

/** What the certificate authority's file says, read before the program gives up reading files. */
export function readRootCertificate({ rootCertificatePath: path }: DatabaseAddress) {
  return path === undefined ? undefined : readFileSync(path, 'utf8')
}

/**
 * Connects to all hosts and keeps the connection to the primary. A primary that has been replaced and
 * does not know it says that it is one, too: the later timeline wins. Rejects with what each host said.
 */
export async function connectToPrimary(
  options: ConnectOptions,
  certificate?: string,
): Promise<Primary> {
  const tries = await Promise.allSettled(
    options.hosts.map((host) => connectTo(host, options, certificate)),
  )
  // One can end while others are waited for.
  const reached = tries.flatMap((one) =>
    one.status === 'fulfilled' && !one.value.isLost() ? [one.value] : [],
  )
  const best = reached.toSorted((a, b) => b.timeline - a.timeline)[0]
  for (const other of reached) if (other !== best) void other.client.end().catch(() => {})
  if (best === undefined) {
    const reasons = tries.map((one, at) => {
      const { host = '', port = 0 } = options.hosts[at] ?? {}
      const reason = one.status === 'rejected' ? messageOf(one.reason) : 'the connection was lost'
      return `${host}:${port}: ${reason}`
    })
    throw new Error(reasons.join('; '))
  }
  return best
}

async function connectTo(
  host: Host,
  options: ConnectOptions,
  certificate?: string,
): Promise<Primary> {
  const client = new pg.Client({
    host: host.host,
    port: host.port,
    user: options.user,
    database: options.database,
    // As a function, it is the only source: no variable of libpq's, and no file that may not be read later.
    password: () => tellPassword(options.password),
    application_name: options.applicationName,
    connectionTimeoutMillis: options.connectTimeoutMs,
    keepAlive: true,
    keepAliveInitialDelayMillis: 5_000,
    ssl: tlsOptions(host, options, certificate),
    pipeline: true,
  } as pg.ClientConfig)
  let isLost = false
  // Until somebody listens: an error without a listener would end the process.
  client.on('error', () => void (isLost = true))
  client.on('end', () => void (isLost = true))
  let limit: NodeJS.Timeout | undefined
  try {
    await client.connect()
    limit = setTimeout(() => destroy(client), options.connectTimeoutMs)
    const { rows } = await client.query<string[]>({ text: WHO, rowMode: 'array' })
    const [server = '', isStandby, isReadOnly] = rows[0] ?? []
    if (isStandby === 'true') throw new Error('it is a standby')
    if (isReadOnly === 'on') throw new Error('it takes no writes (transaction_read_only)')
    const timeline = options.hosts.length > 1 ? await readTimeline(client) : 0
    // Behind a pooler they go with each transaction (`pooled.ts`).
    if (options.prepare && options.setup.length > 0) {
      await client.query(`select ${callsOf(options.setup, 'session')}`)
    }
    return { client, server, timeline, isLost: () => isLost }
  } catch (error) {
    // Where there is no password to answer with, the server would wait for one.
    destroy(client)
    throw error
  } finally {
    clearTimeout(limit)
  }
}

async function tellPassword(password: Password): Promise<string> {
  if (password === undefined) throw new Error('it asks for a password, and there is none')
  return typeof password === 'string' ? password : await password()
}

/** An expression for `server`. */
export const SERVER = `pg_postmaster_start_time()::text || ' ' || coalesce(inet_server_addr()::text, '')
    || ' ' || coalesce(inet_server_port()::text, '')`

const WHO = `select ${SERVER},
  pg_is_in_recovery()::text, current_setting('transaction_read_only')`

/** Calls, for a `select`, that set the settings for so long. Names and values are the program's own. */
export function callsOf(settings: Settings, scope: 'session' | 'transaction'): string {
  const isLocal = scope === 'transaction'
  return settings.map(([name, value]) => `set_config('${name}', '${value}', ${isLocal})`).join(', ')
}

/** The first eight hexadecimal digits of a WAL file's name; databases without such files have one timeline. */
async function readTimeline(client: pg.Client): Promise<number> {
  try {
    const text = 'select substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8)'
    const { rows } = await client.query<string[]>({ text, rowMode: 'array' })
    return Number.parseInt(rows[0]?.[0] ?? '', 16) || 0
  } catch {
    return 0
  }
}

/** As libpq: who names an authority wants it to be asked, by `require`, too. */
function tlsOptions(host: Host, { tls }: DatabaseAddress, ca: string | undefined) {
  if (tls === 'disable' || host.host.startsWith('/')) return false
  const authority = ca === undefined ? {} : { ca }
  switch (tls) {
    case 'require':
      if (ca === undefined) return { rejectUnauthorized: false }
      return { ...authority, checkServerIdentity: () => undefined }
    case 'verify-ca':
      return { ...authority, checkServerIdentity: () => undefined }
    case 'verify-full':
      return authority
  }
}

/** Without a farewell, which would wait for what is under way. */
export function destroy(client: pg.Client): void {
  const { connection } = client as unknown as { connection: { stream: { destroy(): void } } }
  connection.stream.destroy()
}

/** Whether a password would cross a network in plain text. */
export function isExposed({ hosts, tls }: DatabaseAddress): boolean {
  return tls === 'disable' && !hosts.every(isLocal)
}

function messageOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(messageOf).join(', ')
  return error instanceof Error ? error.message : String(error)
}
