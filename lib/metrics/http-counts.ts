/** What the HTTP server counts: into one array, so that a request costs two look-ups and some additions. */
import { type Histogram, observe, readHistogram, sizeOfHistogram } from '../base/histogram.ts'
import { counter, type Family, gauge, histogram, type Sample } from './exposition.ts'

const METHODS = ['GET', 'HEAD', 'PUT', 'POST', 'PATCH', 'DELETE', 'OPTIONS', 'other'] as const
const SECONDS_BOUNDS = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15,
]
const DURATION_SIZE = sizeOfHistogram(SECONDS_BOUNDS)
const FIRST_STATUS = 200
const LAST_STATUS = 511
const STATUSES = LAST_STATUS - FIRST_STATUS + 1

/** The refusals of what is no request, each shown from 0 on. */
const REFUSED: readonly string[] = [
  'bad_request',
  'header_too_large',
  'overloaded',
  'request_timeout',
]

export type HttpCounts = {
  /** Counts an answer that begins now. `route`: a place in the routes. */
  answered(route: number, method: string, status: number, seconds: number): void
  /** Counts what was refused before it was a request, by the code; also as a problem. */
  refused(code: string): void
  /** Counts a refusal, of a request or not. */
  problem(code: string): void
  opened(): void
  closed(): void
  families(): readonly Family[]
  /** All answers together, without those of the routes that `isApart` names. */
  traffic(): Traffic
}

/** `reads`: answers to safe methods; `writes`: to all others. */
export type Traffic = {
  readonly reads: number
  readonly writes: number
  readonly durations: Histogram
}

/**
 * `codes`: of all refusals that there are, each of which is shown from 0 on. `isApart`: whether a route is
 * that of those who look at the numbers, and is left out of `traffic`.
 */
export function createHttpCounts(
  routes: readonly string[],
  codes: readonly string[],
  isApart: (route: string) => boolean = () => false,
): HttpCounts {
  const rows = routes.length * METHODS.length
  const answers = new Float64Array(rows * STATUSES)
  const durations = new Float64Array(rows * DURATION_SIZE)
  const problems = new Map(codes.map((code) => [code, 0]))
  const refusals = new Map(REFUSED.map((code) => [code, 0]))
  let connections = 0
  const countedRows = Array.from({ length: rows }, (_, row) => row).filter(
    (row) => !isApart(labelsOf(routes, row).route),
  )

  return {
    answered(route, method, status, seconds) {
      const row = route * METHODS.length + methodPlace(method)
      answers[row * STATUSES + Math.min(status, LAST_STATUS) - FIRST_STATUS]! += 1
      observe(durations, row * DURATION_SIZE, SECONDS_BOUNDS, seconds)
    },
    refused(code) {
      countOne(refusals, code)
      countOne(problems, code)
    },
    problem: (code) => countOne(problems, code),
    traffic: () => trafficOf(durations, countedRows),
    opened: () => void connections++,
    closed: () => void connections--,
    families: () => [
      requestsFamily(routes, answers),
      durationsFamily(routes, durations),
      counter(
        'coatcheck_http_refused',
        'Connections and bytes that were refused before they were a request, by the code.',
        samplesOf(refusals),
      ),
      gauge('coatcheck_http_connections', 'Open connections.', connections),
      counter('coatcheck_problems', 'Refusals, by the code.', samplesOf(problems)),
    ],
  }
}

const SAFE: readonly string[] = ['GET', 'HEAD', 'OPTIONS']

/** `rows`: those that count, of which each has a histogram. */
function trafficOf(durations: Float64Array, rows: readonly number[]): Traffic {
  const sum = new Float64Array(DURATION_SIZE)
  let [reads, writes] = [0, 0]
  for (const row of rows) {
    let count = 0
    for (let at = 0; at < DURATION_SIZE; at++) {
      const value = durations[row * DURATION_SIZE + at] ?? 0
      sum[at]! += value
      if (at < DURATION_SIZE - 1) count += value
    }
    if (SAFE.includes(METHODS[row % METHODS.length] ?? '')) reads += count
    else writes += count
  }
  return { reads, writes, durations: readHistogram(sum, 0, SECONDS_BOUNDS) }
}

/** The methods of the API; whatever else Node's parser knows is `other`. */
function methodPlace(method: string): number {
  const place = (METHODS as readonly string[]).indexOf(method)
  return place === -1 ? METHODS.length - 1 : place
}

function countOne(counts: Map<string, number>, code: string): void {
  counts.set(code, (counts.get(code) ?? 0) + 1)
}

function samplesOf(counts: ReadonlyMap<string, number>) {
  return counts
    .entries()
    .map(([code, value]) => ({ labels: { code }, value }))
    .toArray()
}

/** A series for each route, method and status that was seen: most of the possible ones never are. */
function requestsFamily(routes: readonly string[], answers: Float64Array): Family {
  const samples: Sample[] = []
  for (let at = 0; at < answers.length; at++) {
    const value = answers[at] ?? 0
    if (value === 0) continue
    const status = String((at % STATUSES) + FIRST_STATUS)
    samples.push({ labels: { ...labelsOf(routes, Math.floor(at / STATUSES)), status }, value })
  }
  return counter(
    'coatcheck_http_requests',
    'Requests that were answered, by route, method and status.',
    samples,
  )
}

function durationsFamily(routes: readonly string[], durations: Float64Array): Family {
  const histograms = Array.from({ length: durations.length / DURATION_SIZE }, (_, row) => ({
    labels: labelsOf(routes, row),
    histogram: readHistogram(durations, row * DURATION_SIZE, SECONDS_BOUNDS),
  })).filter(({ histogram }) => histogram.counts.some((count) => count > 0))
  return histogram(
    'coatcheck_http_request_duration_seconds',
    'The time from the head of a request to the head of its answer.',
    histograms,
  )
}

function labelsOf(routes: readonly string[], row: number) {
  const route = routes[Math.floor(row / METHODS.length)] ?? 'other'
  return { route, method: METHODS[row % METHODS.length] ?? 'other' }
}
