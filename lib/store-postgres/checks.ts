/**
 * What the database's settings do to the promises: refused at the start where a promise of every store would
 * not hold, told where one is weaker. Looked at again every minute, as settings change under a running server.
 */
import { OpenError } from '../store/open-error.ts'
import type { Connection } from './connection/connection.ts'

/** Names for machines; the manual has what each weakens. */
export type Weakness =
  /** A fail-over may lose what was acknowledged, and bring back who has logged out. */
  | 'asynchronous_replication'
  /** A crash of the database may lose what was acknowledged. */
  | 'no_fsync'
  | 'no_full_page_writes'
  | 'no_synchronous_commit'
  /** Damage on the disk may go unnoticed. */
  | 'no_data_checksums'
  /** Sessions would expire too early or too late by this machine's clock; the database's counts. */
  | 'clock_differs'
  /** A password crosses a network in plain text. */
  | 'no_tls'

export type Findings = { readonly weaknesses: readonly Weakness[] }

export type CheckOptions = {
  /** Whether a database that may lose in a crash what was acknowledged is told, and not refused. */
  readonly isRelaxed: boolean
  readonly isExposed: boolean
  readonly offsetMs: () => number
}

const OLDEST_VERSION = 150_000
const LARGEST_OFFSET_MS = 2_000

/** Settings that a database like PostgreSQL may lack are null there. */
const SETTINGS = `select
  current_setting('server_version_num')::int, current_setting('server_encoding'),
  current_setting('fsync', true), current_setting('full_page_writes', true),
  current_setting('synchronous_commit', true), current_setting('synchronous_standby_names', true),
  current_setting('data_checksums', true)`

/** Throws an `OpenError` where the database cannot be used. */
export async function checkDatabase(
  connection: Pick<Connection, 'ask'>,
  options: CheckOptions,
): Promise<Findings> {
  const { rows } = await connection.ask({ name: 'cc_settings', text: SETTINGS })
  const [version, encoding, fsync, fullPages, commit, standbys, checksums] = (rows[0] ??
    []) as Setting[]
  if (Number(version) < OLDEST_VERSION) {
    throw refused(
      `it is PostgreSQL ${Math.floor(Number(version) / 10_000)}, the oldest that will do is 15`,
    )
  }
  if (encoding !== 'UTF8') throw refused(`its encoding is ${encoding}, and must be UTF8`)
  const lost: Weakness[] = [
    ...(fsync === 'off' ? ['no_fsync' as const] : []),
    ...(fullPages === 'off' ? ['no_full_page_writes' as const] : []),
    // `local` is on disk here, and on no standby.
    ...(commit === 'off' ? ['no_synchronous_commit' as const] : []),
  ]
  if (lost.length > 0 && !options.isRelaxed) {
    throw refused(
      `it acknowledges what a crash may lose (${lost.join(', ')}); turn these settings on, or accept that ` +
        'with --durability relaxed',
    )
  }
  const isSynchronous = standbys !== '' && commit !== 'local' && commit !== 'off'
  const offset = Math.abs(options.offsetMs())
  return {
    weaknesses: [
      ...lost,
      ...(isSynchronous ? [] : ['asynchronous_replication' as const]),
      ...(checksums === 'off' ? ['no_data_checksums' as const] : []),
      ...(offset > LARGEST_OFFSET_MS ? ['clock_differs' as const] : []),
      ...(options.isExposed ? ['no_tls' as const] : []),
    ],
  }
}

type Setting = string | number | null | undefined

function refused(reason: string): OpenError {
  return new OpenError('unfit', `Cannot use the database: ${reason}`)
}
