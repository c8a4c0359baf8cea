/** What Node says of its process, under the names that dashboards know. */
import { monitorEventLoopDelay, PerformanceObserver, performance } from 'node:perf_hooks'
import { getHeapSpaceStatistics, getHeapStatistics } from 'node:v8'
import type { Clock } from '../base/clock.ts'
import { observe, readHistogram, sizeOfHistogram } from '../base/histogram.ts'
import { counter, type Family, gauge, histogram, info } from './exposition.ts'

/** How often the loop's delay is looked at: at 10 ms it would cost an idle process seven times as much. */
const RESOLUTION_MS = 100
/** A delay is shown for the last whole window, so that no scraper spoils another's. */
const WINDOW_MS = 10_000

const GC_BOUNDS = [0.001, 0.01, 0.1, 1, 2, 5]
/** `NODE_PERFORMANCE_GC_*` of `perf_hooks.constants`. */
const GC_KINDS: Readonly<Record<number, string>> = {
  1: 'minor',
  4: 'major',
  8: 'incremental',
  16: 'weakcb',
}

const LAGS = ['min', 'max', 'mean', 'p50', 'p90', 'p99'] as const
type Lags = Readonly<Record<(typeof LAGS)[number], number>>

export type ProcessWatch = {
  families(): readonly Family[]
  read(): ProcessReading
  stop(): void
}

export type ProcessReading = {
  /** In all since the start. */
  readonly cpuSeconds: number
  readonly memoryBytes: number
  /** The delay of the event loop over the last ten seconds, 99 of 100 times at most. */
  readonly lagSeconds: number
  /** Since the start. */
  readonly upSeconds: number
}

export function watchProcess(clock: Clock): ProcessWatch {
  const startedAt = clock.now() / 1_000 - process.uptime()
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
  delay.enable()
  let lags = readLags(delay)
  const stopWindows = clock.every(WINDOW_MS, () => {
    lags = readLags(delay)
    delay.reset()
  })
  const collections = watchCollections()
  const memory = watchMemory()

  return {
    families: () => [
      ...processFamilies(startedAt, memory()),
      ...lagFamilies(lags),
      ...heapFamilies(),
      collections.family(),
      info('nodejs_version', 'The version of Node.', { version: process.version }),
    ],
    read() {
      const { user, system } = process.cpuUsage()
      return {
        cpuSeconds: (user + system) / 1e6,
        memoryBytes: memory(),
        lagSeconds: lags.p99,
        upSeconds: process.uptime(),
      }
    },
    stop() {
      stopWindows()
      delay.disable()
      collections.stop()
    },
  }
}

/**
 * Resident memory in bytes, the last that was known where it cannot be read: Linux tells it in a file, and a process
 * whose clients have all its descriptors opens none.
 */
function watchMemory(): () => number {
  let bytes = 0
  return () => {
    try {
      bytes = process.memoryUsage.rss()
    } catch {
      // There is a descriptor again once a client has gone.
    }
    return bytes
  }
}

/** The sampling interval is part of what Node measures; a loop without delay has none. In seconds. */
function readLags(delay: ReturnType<typeof monitorEventLoopDelay>): Lags {
  const seconds = (nanoseconds: number) =>
    Number.isFinite(nanoseconds) ? Math.max(0, nanoseconds / 1e9 - RESOLUTION_MS / 1e3) : 0
  if (delay.count === 0) return { min: 0, max: 0, mean: 0, p50: 0, p90: 0, p99: 0 }
  return {
    ...{ min: seconds(delay.min), max: seconds(delay.max), mean: seconds(delay.mean) },
    ...{ p50: seconds(delay.percentile(50)), p90: seconds(delay.percentile(90)) },
    p99: seconds(delay.percentile(99)),
  }
}

function lagFamilies(lags: Lags): Family[] {
  return LAGS.map((name) =>
    gauge(
      `nodejs_eventloop_lag_${name}_seconds`,
      `The delay of the event loop over the last ten seconds: ${name}.`,
      lags[name],
    ),
  )
}

function processFamilies(startedAt: number, memoryBytes: number): Family[] {
  const { user, system } = process.cpuUsage()
  return [
    counter(
      'process_cpu_user_seconds',
      'CPU time of the program, without that of the kernel.',
      user / 1e6,
    ),
    counter('process_cpu_system_seconds', 'CPU time of the kernel for the program.', system / 1e6),
    counter('process_cpu_seconds', 'CPU time.', (user + system) / 1e6),
    counter(
      'coatcheck_event_loop_active_seconds',
      "Time in which the event loop had work: its rate is the main thread's load.",
      performance.eventLoopUtilization().active / 1_000,
    ),
    gauge('process_start_time_seconds', 'The start, since the Unix epoch.', startedAt),
    gauge('process_resident_memory_bytes', 'Resident memory.', memoryBytes),
  ]
}

function heapFamilies(): Family[] {
  const heap = getHeapStatistics()
  return [
    gauge('nodejs_heap_size_total_bytes', 'The heap of the main thread.', heap.total_heap_size),
    gauge('nodejs_heap_size_used_bytes', 'What is used of it.', heap.used_heap_size),
    gauge('nodejs_external_memory_bytes', 'Memory outside the heap.', heap.external_memory),
    gauge(
      'nodejs_heap_space_size_used_bytes',
      'What is used of each space of the heap.',
      getHeapSpaceStatistics().map(({ space_name, space_used_size }) => ({
        labels: { space: space_name.replace(/_space$/, '') },
        value: space_used_size,
      })),
    ),
  ]
}

function watchCollections() {
  const size = sizeOfHistogram(GC_BOUNDS)
  const kinds = Object.keys(GC_KINDS).map(Number)
  const numbers = new Float64Array(kinds.length * size)
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      const { duration, detail } = entry as PerformanceEntry & { detail?: { kind?: number } }
      const place = kinds.indexOf(detail?.kind ?? -1)
      if (place !== -1) observe(numbers, place * size, GC_BOUNDS, duration / 1_000)
    }
  })
  observer.observe({ entryTypes: ['gc'] })
  return {
    family: () =>
      histogram(
        'nodejs_gc_duration_seconds',
        'The time of garbage collections of the main thread, by their kind.',
        kinds.map((kind, place) => ({
          labels: { kind: GC_KINDS[kind] ?? 'other' },
          histogram: readHistogram(numbers, place * size, GC_BOUNDS),
        })),
      ),
    stop: () => observer.disconnect(),
  }
}
