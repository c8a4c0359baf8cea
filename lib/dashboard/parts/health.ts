/** The health of the storage in words, each with the way out. */
import { html } from 'hono/html'
import type { StoreHealth } from '../../store/store.ts'
import type { Html } from './frame.ts'

const STATES = {
  ok: ['good', 'Healthy'],
  degraded: ['warn', 'Degraded'],
  unreachable: ['bad', 'Storage out of reach'],
  failed: ['bad', 'Writing has failed'],
} as const satisfies Readonly<Record<StoreHealth['state'], readonly [string, string]>>

/** A word, which leads to the reasons. */
export function renderHealth({ state }: StoreHealth): Html {
  const [tone, word] = STATES[state]
  return html`<a class="pill ${tone}" href="/dashboard/storage">${word}</a>`
}

const WRITES = {
  all: 'All writes are taken.',
  ends_only: 'Only log-outs are written; all other writes are refused.',
  none: 'Nothing is written.',
} as const satisfies Readonly<Record<StoreHealth['writes'], string>>

/** What stands behind the words that the store has for itself; another store has others. */
const REASONS: Readonly<Record<string, readonly [what: string, wayOut: string]>> = {
  writes_late: [
    'Writes wait too long for the disk.',
    'Look at the time to disk on the overview: a slow disk, or too many writes for it.',
  ],
  wal_long: [
    'The WAL is long, since another program keeps a read of the data file open.',
    'End that program: a backup tool, a sqlite3 shell, Litestream that has stopped.',
  ],
  wal_full: [
    'The WAL has reached its limit (--wal-limit).',
    'End the program that keeps a read open; the WAL then shrinks by itself.',
  ],
  disk_low: ['The disk is nearly full.', 'Make room, before writes are refused.'],
  disk_full: ['The disk is full.', 'Make room: writing goes on by itself.'],
  not_connected: [
    'No database that takes writes can be reached.',
    'Look at the database and the network; the connection is made anew by itself.',
  ],
  commit_overdue: [
    'The database has not confirmed a write for some seconds.',
    'Look at its standbys: a commit waits until they have it.',
  ],
  no_recent_commit: [
    'The database has taken no write for some seconds, so nothing is read from it, either.',
    'Look at its standbys and its disk; a primary that was replaced must be stopped.',
  ],
  damaged: [
    'Some of the data file is damaged.',
    'Run "coatcheck check", and restore a backup: the page Operating of the manual says how.',
  ],
}

/** The promises that are weaker as the storage is set up. */
const WEAKNESSES: Readonly<Record<string, string>> = {
  asynchronous_replication: 'A fail-over may lose what was acknowledged, and undo log-outs.',
  no_fsync: 'A crash of the machine may lose what was acknowledged, or damage the database.',
  no_full_page_writes: 'A crash of the machine may damage the database.',
  no_synchronous_commit: 'A crash of the database may lose what was acknowledged.',
  no_data_checksums: 'Damage on the disk may go unnoticed.',
  clock_differs: "This machine's clock differs from the database's by seconds.",
  no_tls: 'Sessions and the password cross the network in plain text.',
}

export function renderHealthWords({ state, writes, reasons, weaknesses = [] }: StoreHealth): Html {
  const [tone, word] = STATES[state]
  return html`<p class="health">
      <span class="pill ${tone}">${word}</span>
      ${WRITES[writes]}
    </p>
    ${
      reasons.length === 0
        ? ''
        : html`<ul class="reasons">
            ${reasons.map((reason) => {
              const [what, wayOut] = REASONS[reason] ?? ['', '']
              return html`<li>
                <code>${reason}</code>
                ${
                  what === ''
                    ? html`<a href="/docs/operating">What to do</a>`
                    : html`${what} <b>${wayOut}</b>`
                }
              </li>`
            })}
          </ul>`
    }
    ${
      weaknesses.length === 0
        ? ''
        : html`<p>As the database is set up, promises are weaker:</p>
            <ul class="reasons">
              ${weaknesses.map(
                (weakness) =>
                  html`<li>
                    <code>${weakness}</code> ${WEAKNESSES[weakness] ?? ''}
                    <a href="/docs/postgresql#what-is-promised">What to do</a>
                  </li>`,
              )}
            </ul>`
    }
    ${
      state === 'failed'
        ? html`<p>Restart the server once the disk is well: it reads again all that is on disk.</p>`
        : ''
    }`
}
