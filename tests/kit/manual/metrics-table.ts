import { createServerCounts } from '../../../lib/http/server/metric-routes.ts'
import type { Family } from '../../../lib/metrics/exposition.ts'
import { watchProcess } from '../../../lib/metrics/process-families.ts'
import { storeFamilies } from '../../../lib/metrics/store-families.ts'
import { createRelayCounts } from '../../../lib/relay/relay-counts.ts'
import { createSweepCounts } from '../../../lib/metrics/sweep-counts.ts'
import { renderMarkdown } from '../texts/markdown-tables.ts'
import { createFakeClock } from '../clock/fake-clock.ts'
import { openMemoryStore } from '../store/memory-store.ts'

const SUFFIXES = { counter: '_total', info: '_info', gauge: '', histogram: '' } as const

/** Labels of series that come with what occurs. */
const OCCURRING: Readonly<Record<string, readonly string[]>> = {
  coatcheck_http_requests: ['route', 'method', 'status'],
  coatcheck_http_request_duration_seconds: ['route', 'method'],
  coatcheck_http_refused: ['code'],
  coatcheck_storage_trouble: ['reason'],
  coatcheck_build: ['version', 'node', 'sqlite'],
}

/** The generated part of `lib/manual/metrics.md`: each metric with its labels, kind and meaning. */
export function renderMetricsTable(): string {
  const clock = createFakeClock()
  const { store } = openMemoryStore({ clock })
  const process = watchProcess(clock)
  const rows = [
    { type: 'info', name: 'coatcheck_build', help: 'The versions that run.', samples: [] } as const,
    ...createServerCounts().families(),
    ...storeFamilies(store),
    ...createSweepCounts(60_000).families(),
    ...process.families(),
  ]
  process.stop()
  return renderFamilies(rows)
}

/** The same of those that a relay has for itself, in `lib/manual/webhooks.md`. */
export function renderRelayMetricsTable(): string {
  return renderFamilies(createRelayCounts(createFakeClock()).families())
}

function renderFamilies(families: readonly Family[]): string {
  return renderMarkdown(
    ['Metric', 'Kind', 'Meaning'],
    families.map((family) => [`\`${nameOf(family)}\``, family.type, family.help]),
  )
}

function nameOf(family: Family): string {
  const labels = OCCURRING[family.name] ?? labelsOf(family)
  return `${family.name}${SUFFIXES[family.type]}${labels.length === 0 ? '' : `{${labels.join(',')}}`}`
}

function labelsOf(family: Family): readonly string[] {
  const [first] = family.type === 'histogram' ? family.histograms : family.samples
  return Object.keys(first?.labels ?? {})
}
