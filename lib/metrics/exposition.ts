/**
 * Renders metrics as text: Prometheus' exposition format 0.0.4 and OpenMetrics 1.0.0.
 * https://prometheus.io/docs/instrumenting/exposition_formats/
 */
import type { Histogram } from '../base/histogram.ts'

export type Labels = Readonly<Record<string, string>>

export type Sample = { readonly labels?: Labels; readonly value: number }
export type LabelledHistogram = { readonly labels?: Labels; readonly histogram: Histogram }

/** The metrics of one name. A counter's name is without `_total`; one in seconds or bytes ends in that. */
export type Family = { readonly name: string; readonly help: string } & (
  | { readonly type: 'counter' | 'gauge' | 'info'; readonly samples: readonly Sample[] }
  | { readonly type: 'histogram'; readonly histograms: readonly LabelledHistogram[] }
)

export type Exposition = 'prometheus' | 'openmetrics'

export const CONTENT_TYPES: Readonly<Record<Exposition, string>> = {
  prometheus: 'text/plain; version=0.0.4; charset=utf-8',
  openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
}

/** One value, or several with labels. */
export function gauge(name: string, help: string, values: number | readonly Sample[]): Family {
  return { type: 'gauge', name, help, samples: samplesOf(values) }
}

/** As `gauge`, of what only grows. */
export function counter(name: string, help: string, values: number | readonly Sample[]): Family {
  return { type: 'counter', name, help, samples: samplesOf(values) }
}

export function histogram(
  name: string,
  help: string,
  values: Histogram | readonly LabelledHistogram[],
): Family {
  const histograms = 'bounds' in values ? [{ histogram: values }] : values
  return { type: 'histogram', name, help, histograms }
}

/** What is no number: its labels say it. */
export function info(name: string, help: string, labels: Labels): Family {
  return { type: 'info', name, help, samples: [{ labels, value: 1 }] }
}

function samplesOf(values: number | readonly Sample[]): readonly Sample[] {
  return typeof values === 'number' ? [{ value: values }] : values
}

export function renderMetrics(families: readonly Family[], exposition: Exposition): string {
  const texts = families.map((family) => renderFamily(family, exposition))
  return texts.join('') + (exposition === 'openmetrics' ? '# EOF\n' : '')
}

const UNITS = ['seconds', 'bytes']
const SUFFIXES = { counter: '_total', info: '_info', gauge: '', histogram: '' } as const

function renderFamily(family: Family, exposition: Exposition): string {
  const { name, help, type } = family
  const isOpen = exposition === 'openmetrics'
  const full = name + SUFFIXES[type]
  const unit = UNITS.find((one) => name.endsWith(`_${one}`))
  // OpenMetrics names the family, Prometheus the series; and Prometheus has no type for an info.
  const described = isOpen ? name : full
  const lines = [
    `# HELP ${described} ${escapeHelp(help, isOpen)}`,
    `# TYPE ${described} ${!isOpen && type === 'info' ? 'gauge' : type}`,
    ...(isOpen && unit !== undefined ? [`# UNIT ${described} ${unit}`] : []),
  ]
  if (family.type === 'histogram') {
    for (const { labels = {}, histogram } of family.histograms) {
      lines.push(...renderHistogram(name, labels, histogram, isOpen))
    }
  } else {
    for (const { labels = {}, value } of family.samples) {
      lines.push(`${full}${renderLabels(labels)} ${renderNumber(value)}`)
    }
  }
  return `${lines.join('\n')}\n`
}

function renderHistogram(
  name: string,
  labels: Labels,
  { bounds, counts, sum }: Histogram,
  isOpen: boolean,
): string[] {
  let total = 0
  const buckets = counts.map((count, at) => {
    total += count
    const bound = bounds[at]
    const le = bound === undefined ? '+Inf' : renderBound(bound, isOpen)
    return `${name}_bucket${renderLabels({ ...labels, le })} ${total}`
  })
  return [
    ...buckets,
    `${name}_sum${renderLabels(labels)} ${renderNumber(sum)}`,
    `${name}_count${renderLabels(labels)} ${total}`,
  ]
}

/** OpenMetrics wants a number of a label to look like one with a point. */
function renderBound(bound: number, isOpen: boolean): string {
  return isOpen && Number.isInteger(bound) ? `${bound}.0` : String(bound)
}

function renderNumber(value: number): string {
  if (Number.isNaN(value)) return 'NaN'
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf'
  return String(value)
}

function renderLabels(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escapeLabel(value)}"`)
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`
}

function escapeLabel(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"')
}

function escapeHelp(text: string, isOpen: boolean): string {
  const escaped = text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')
  return isOpen ? escaped.replaceAll('"', '\\"') : escaped
}
