/** What the charts of the overview show of the points. */
import type { Point } from '../../metrics/point.ts'
import { barSums, type Values } from './chart-shape.ts'
import { showChange, showCount, showMs } from './numbers.ts'

export type Line = {
  readonly name: string
  /** Of the chart's colours. */
  readonly color: 1 | 2 | 3 | 4
  readonly valueOf: (point: Point) => number | null
  readonly hasArea: boolean
}

export type LineChart = {
  readonly kind: 'lines'
  readonly title: string
  readonly lines: readonly Line[]
  /** The least end of the scale. */
  readonly least: number
  readonly show: (value: number) => string
  readonly showScale: (value: number) => string
  readonly unit: string
}

/** Bars up and down, of ten seconds each. */
export type BarChart = {
  readonly kind: 'bars'
  readonly title: string
  readonly up: Bar
  readonly down: Bar
  readonly least: number
}

type Bar = {
  readonly name: string
  readonly color: 1 | 2 | 3 | 4
  readonly valueOf: (point: Point) => number
}

export const CHARTS = {
  requests: {
    kind: 'lines',
    title: 'Requests per second',
    least: 10,
    show: showCount,
    showScale: showCount,
    unit: '',
    lines: [
      { name: 'reads', color: 1, valueOf: ({ reads }) => reads, hasArea: true },
      { name: 'writes', color: 2, valueOf: ({ writes }) => writes, hasArea: true },
    ],
  },
  ends: {
    kind: 'bars',
    title: 'Sessions begun and ended',
    least: 10,
    up: { name: 'begun', color: 1, valueOf: ({ created }) => created },
    down: { name: 'ended', color: 4, valueOf: ({ ended }) => ended },
  },
  commits: {
    kind: 'lines',
    title: 'Time to disk',
    least: 1,
    show: (value) => showMs(value),
    showScale: (value) => `${value} ms`,
    unit: ' ms',
    lines: [{ name: 'commit', color: 3, valueOf: ({ commit }) => commit, hasArea: false }],
  },
} as const satisfies Readonly<Record<string, LineChart | BarChart>>

export type ChartName = keyof typeof CHARTS

export function isChartName(text: string): text is ChartName {
  return text in CHARTS
}

export function valuesOf(points: readonly Point[], line: Line): Values {
  return points.map(line.valueOf)
}

export function sumsOf(points: readonly Point[], bar: Bar): readonly number[] {
  return barSums(points, bar.valueOf)
}

/** Figures of the tiles, by their names in the page. */
export function figuresOf(points: readonly Point[]): Readonly<Record<string, string>> {
  const last = points.at(-1)
  if (last === undefined) return {}
  const before = points.at(-61) ?? points[0] ?? last
  return {
    sessions: showCount(last.sessions),
    change: showChange(last.sessions - before.sessions),
    requests: showCount(last.reads + last.writes),
    reads: showCount(last.reads),
    writes: showCount(last.writes),
    p99: last.p99 === null ? '–' : showMs(last.p99),
    p50: last.p50 === null ? '–' : showMs(last.p50),
    activeUsers: showCount(last.activeUsers),
  }
}
