/** All numbers about the server: what is counted where it happens, rendered when it is asked for. */
import type { Store } from '../store/store.ts'
import { type Exposition, gauge, info, renderMetrics } from './exposition.ts'
import type { HttpCounts } from './http-counts.ts'
import type { ProcessWatch } from './process-families.ts'
import { storeFamilies } from './store-families.ts'
import type { SweepCounts } from './sweep-counts.ts'

export type Metrics = {
  readonly http: HttpCounts
  /** The text of all metrics, as of now. */
  render(exposition: Exposition): string
}

/** Streams of events that are open, and how many may be. */
export type StreamCounts = { count(): number; readonly limit: number }

export type MetricsParts = {
  readonly http: HttpCounts
  readonly store: Pick<Store, 'counts' | 'health'>
  readonly sweeps: SweepCounts
  readonly streams: StreamCounts
  readonly process: Pick<ProcessWatch, 'families'>
  readonly versions: Readonly<Record<string, string>>
}

export function createMetrics(parts: MetricsParts): Metrics {
  const { http, store, sweeps, streams, process, versions } = parts
  const build = info('coatcheck_build', 'The versions that run.', versions)
  return {
    http,
    render: (exposition) =>
      renderMetrics(
        [
          build,
          ...http.families(),
          ...storeFamilies(store),
          gauge('coatcheck_event_streams', 'Streams of events that are open.', streams.count()),
          gauge(
            'coatcheck_event_streams_limit',
            'Streams that may be open; more are refused (--max-event-streams).',
            streams.limit,
          ),
          ...sweeps.families(),
          ...process.families(),
        ],
        exposition,
      ),
  }
}
