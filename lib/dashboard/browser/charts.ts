/** Goes on drawing the charts, the tiles and the gauges that the server has begun. */
import type { Point } from '../../metrics/point.ts'
import {
  type BarChart,
  CHARTS,
  figuresOf,
  isChartName,
  type LineChart,
  sumsOf,
  valuesOf,
} from './chart-series.ts'
import { areaOf, barsOf, lineOf, topOf, WIDTH, xOf } from './chart-shape.ts'
import { showBytes, showCount, showMs, showPart } from './numbers.ts'

const KEPT = 300

type Drawn = {
  readonly root: Element
  readonly chart: LineChart | BarChart
  at: number | undefined
}

export function followCharts() {
  let points: Point[] = []
  const drawn: readonly Drawn[] = [...document.querySelectorAll('[data-chart]')].flatMap((root) => {
    const name = root.getAttribute('data-chart') ?? ''
    return isChartName(name) ? [{ root, chart: CHARTS[name], at: undefined }] : []
  })
  for (const one of drawn) if (one.chart.kind === 'lines') pointAt(one)

  function draw(): void {
    for (const one of drawn) drawOne(one, points)
    const last = points.at(-1)
    if (last === undefined) return
    for (const [name, text] of Object.entries(figuresOf(points))) setText('figure', name, text)
    drawGauges(last)
  }

  /** Shows the moment that the pointer is at. */
  function pointAt(one: Drawn): void {
    const svg = one.root.querySelector('svg')
    svg?.addEventListener('pointermove', (event) => {
      const { left, width } = svg.getBoundingClientRect()
      const x = ((event.clientX - left) / width) * WIDTH
      const at = Math.round(points.length - 1 - (WIDTH - x))
      one.at = Math.max(0, Math.min(points.length - 1, at))
      drawOne(one, points)
    })
    svg?.addEventListener('pointerleave', () => {
      one.at = undefined
      drawOne(one, points)
    })
  }

  return {
    set(all: readonly Point[]) {
      points = [...all]
      draw()
    },
    add(point: Point) {
      points.push(point)
      if (points.length > KEPT) points.shift()
      draw()
    },
  }
}

function drawOne(one: Drawn, points: readonly Point[]): void {
  if (points.length === 0) return
  if (one.chart.kind === 'lines') drawLines(one, one.chart, points)
  else drawBars(one.root, one.chart, points)
}

function drawLines({ root, at }: Drawn, chart: LineChart, points: readonly Point[]): void {
  const all = chart.lines.map((line) => ({ ...line, values: valuesOf(points, line) }))
  const top = topOf(
    all.map(({ values }) => values),
    chart.least,
  )
  setScale(root, [chart.showScale(top), chart.showScale(top / 2), '0'])
  const shown = at ?? points.length - 1
  for (const { name, values } of all) {
    setPath(root, `[data-area="${name}"]`, areaOf(values, top))
    setPath(root, `[data-line="${name}"]`, lineOf(values, top))
    const value = values[shown] ?? null
    const text = value === null ? '–' : chart.show(value) + chart.unit
    setLegend(root, name, text)
  }
  setPath(root, '[data-pointer]', at === undefined ? '' : `M${xOf(at, points.length)},0V100`)
  const moment = at === undefined ? undefined : points[at]?.at
  root.querySelector('[data-moment]')?.replaceChildren(moment === undefined ? '' : clockOf(moment))
}

function drawBars(root: Element, { up, down, least }: BarChart, points: readonly Point[]): void {
  const [ups, downs] = [sumsOf(points, up), sumsOf(points, down)]
  const top = topOf([ups, downs], least)
  setScale(root, [showCount(top), '0', showCount(top)])
  setPath(root, `[data-line="${up.name}"]`, barsOf(ups, top, false))
  setPath(root, `[data-line="${down.name}"]`, barsOf(downs, top, true))
  setLegend(root, up.name, showCount(ups.at(-2) ?? 0))
  setLegend(root, down.name, showCount(downs.at(-2) ?? 0))
}

function drawGauges(point: Point): void {
  setText('gauge', 'databaseBytes', showBytes(point.databaseBytes))
  setText('gauge', 'walBytes', showBytes(point.walBytes))
  setText('gauge', 'queue', showCount(point.queue))
  setText('gauge', 'memoryBytes', showBytes(point.memoryBytes))
  setText('gauge', 'cpu', showPart(point.cpu))
  setText('gauge', 'lag', `${showMs(point.lag)} ms`)
  setMeter('walBytes', point.walBytes)
  setMeter('queue', point.queue)
}

function setText(kind: 'figure' | 'gauge', name: string, text: string): void {
  const element = document.querySelector(`[data-${kind}="${name}"]`)
  if (element !== null && element.textContent !== text) element.textContent = text
}

function setMeter(name: string, value: number): void {
  const meter = document.querySelector(`[data-meter="${name}"]`)
  if (meter instanceof HTMLMeterElement) meter.value = value
}

function setPath(root: Element, selector: string, shape: string): void {
  root.querySelector(selector)?.setAttribute('d', shape)
}

function setScale(root: Element, texts: readonly string[]): void {
  for (const [at, text] of texts.entries()) {
    root.querySelector(`[data-scale="${at}"]`)?.replaceChildren(text)
  }
}

function setLegend(root: Element, name: string, text: string): void {
  root.querySelector(`[data-legend="${name}"]`)?.replaceChildren(text)
}

/** `12:06:58`, in UTC as all times of the dashboard. */
function clockOf(at: number): string {
  return new Date(at).toISOString().slice(11, 19)
}
