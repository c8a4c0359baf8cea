/** What a store says of itself, as metrics. */
import { ACTIVE_METRIC_MS } from '../store/store-counts.ts'
import type { Store, StoreHealth } from '../store/store.ts'
import { counter, type Family, gauge, histogram } from './exposition.ts'

const STATES = ['ok', 'degraded', 'unreachable', 'failed'] as const satisfies StoreHealth['state'][]

const ACTIVE_LABELS = { within: String(ACTIVE_METRIC_MS / 1_000) }

export function storeFamilies(store: Pick<Store, 'counts' | 'health'>): readonly Family[] {
  const { sessions, created, changed, touched, ended, forgotten, events, ...more } = store.counts()
  const { active, lookups, queue, batches, commits, work, figures } = more
  const { state, reasons, weaknesses = [] } = store.health()
  return [
    gauge(
      'coatcheck_sessions',
      'Sessions in the storage; expired ones until they are swept.',
      sessions,
    ),
    gauge('coatcheck_active_users', 'About how many users were active within so many seconds.', [
      { labels: ACTIVE_LABELS, value: active.users },
    ]),
    gauge(
      'coatcheck_active_sessions',
      'About how many sessions were active within so many seconds.',
      [{ labels: ACTIVE_LABELS, value: active.sessions }],
    ),
    counter('coatcheck_sessions_created', 'Sessions that began.', created),
    counter('coatcheck_sessions_changed', 'Changes of sessions.', changed),
    counter(
      'coatcheck_sessions_touched',
      'Activity that was written, at most one a session and second.',
      touched,
    ),
    counter(
      'coatcheck_sessions_ended',
      'Sessions that ended, by the reason.',
      Object.entries(ended).map(([reason, value]) => ({ labels: { reason }, value })),
    ),
    counter('coatcheck_tombstones_removed', 'Ended sessions that were forgotten.', forgotten),
    counter('coatcheck_events_written', 'Events of the feed that were written.', events.written),
    gauge('coatcheck_events', 'Events of the feed that are kept.', events.kept),
    gauge(
      'coatcheck_events_oldest_timestamp_seconds',
      'When the oldest event that is kept happened, since the Unix epoch; 0 for none.',
      (events.oldestAt ?? 0) / 1_000,
    ),
    counter(
      'coatcheck_hot_lookups',
      'Reads of a session: a hit was in memory, for a miss the storage was asked.',
      Object.entries(lookups).map(([result, value]) => ({ labels: { result }, value })),
    ),
    gauge('coatcheck_write_queue', 'Writes that wait for an answer.', queue.length),
    gauge('coatcheck_write_queue_limit', 'Writes that may wait; more are refused.', queue.limit),
    histogram('coatcheck_write_batch_size', 'Writes that were committed together.', batches),
    histogram('coatcheck_commit_duration_seconds', 'The time to disk of a commit.', commits),
    ...Object.entries(work).map(([name, values]) => {
      const what = name.replace(/Seconds$/, '')
      return histogram(`coatcheck_${what}_duration_seconds`, `The time of a ${what}.`, values)
    }),
    ...Object.entries(figures).map(([name, value]) =>
      gauge(`coatcheck_${snakeCase(name)}`, FIGURES[name] ?? 'A figure of the storage.', value),
    ),
    gauge(
      'coatcheck_storage_state',
      'The state of the storage: one of them is 1.',
      STATES.map((one) => ({ labels: { state: one }, value: Number(one === state) })),
    ),
    gauge(
      'coatcheck_storage_trouble',
      'Why the storage is not ok, in its own words: those that hold are 1.',
      reasons.map((reason) => ({ labels: { reason }, value: 1 })),
    ),
    gauge(
      'coatcheck_storage_weakness',
      'Promises that hold only in part, in words of the storage: those that do are 1.',
      weaknesses.map((weakness) => ({ labels: { weakness }, value: 1 })),
    ),
  ]
}

const FIGURES: Readonly<Record<string, string>> = {
  walBytes: "The length of SQLite's write-ahead log.",
  walLimitBytes: 'The length at which writes are refused (--wal-limit).',
  databaseBytes: 'The length of the data file.',
  databaseFreeBytes: 'What is free within the data file.',
  connections: 'Connections to the database that are up.',
  heartbeatAgeSeconds: 'The time since the database was last seen to take a write.',
  clockOffsetMs: "The time of the database less this machine's, in milliseconds.",
  hotSessions: 'Sessions in memory, from which reads are served.',
}

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}
