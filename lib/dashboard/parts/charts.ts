/** A chart as HTML: its first picture, which scripts go on drawing, and the same as a table. */
import { html, raw } from 'hono/html'
import type { Point } from '../../metrics/point.ts'
import {
  type BarChart,
  type ChartName,
  CHARTS,
  type LineChart,
  sumsOf,
  valuesOf,
} from '../browser/chart-series.ts'
import { areaOf, barsOf, lineOf, topOf } from '../browser/chart-shape.ts'
import { showCount } from '../browser/numbers.ts'
import type { Html } from './frame.ts'
import { showClock } from './words.ts'

/** `width`: columns of twelve that it takes. */
export function renderChart(name: ChartName, points: readonly Point[], width: 6 | 8): Html {
  const chart = CHARTS[name]
  return html`<section
    class="card chart w${width}"
    data-chart="${name}"
    aria-labelledby="${name}-title"
  >
    <div class="card-head">
      <h2 id="${name}-title">${chart.title}</h2>
      ${renderLegend(chart, points)}
    </div>
    ${chart.kind === 'lines' ? renderLines(chart, points) : renderBars(chart, points)}
    <div class="times" aria-hidden="true">
      <span>5 min ago</span><span>4</span><span>3</span><span>2</span><span>1</span><span>now</span>
    </div>
    <details class="as-table">
      <summary>As a table</summary>
      ${renderTable(chart, points)}
    </details>
  </section>`
}

function renderLegend(chart: LineChart | BarChart, points: readonly Point[]): Html {
  const last = points.at(-1)
  const parts =
    chart.kind === 'lines'
      ? chart.lines.map(({ name, color, valueOf }) => {
          const value = last === undefined ? null : valueOf(last)
          return { name, color, text: value === null ? '–' : chart.show(value) + chart.unit }
        })
      : [chart.up, chart.down].map((bar) => ({
          ...bar,
          // Of the last ten seconds that are over.
          text: showCount(sumsOf(points, bar).at(-2) ?? 0),
        }))
  return html`<p class="legend">
    ${parts.map(
      ({ name, color, text }) =>
        html`<span class="c${color}">${name} <b data-legend="${name}">${text}</b></span>`,
    )}
  </p>`
}

function renderLines(chart: LineChart, points: readonly Point[]): Html {
  const all = chart.lines.map((line) => ({ ...line, values: valuesOf(points, line) }))
  const top = topOf(
    all.map(({ values }) => values),
    chart.least,
  )
  const paths = all.map(
    ({ name, color, hasArea, values }) =>
      html`${
        hasArea
          ? raw(`<path class="area c${color}" data-area="${name}" d="${areaOf(values, top)}"/>`)
          : ''
      }${raw(`<path class="line c${color}" data-line="${name}" d="${lineOf(values, top)}"/>`)}`,
  )
  const what = chart.lines.map(({ name }) => name).join(' and ')
  return renderPlot(
    [chart.showScale(top), chart.showScale(top / 2), '0'],
    `${chart.title}, ${what}, in the last five minutes`,
    html`${raw('<path class="rule" d="M0,0H300M0,50H300"/><path class="base" d="M0,100H300"/>')}
    ${paths}${raw('<path class="pointer" data-pointer d=""/>')}`,
  )
}

function renderBars({ title, up, down, least }: BarChart, points: readonly Point[]): Html {
  const [ups, downs] = [sumsOf(points, up), sumsOf(points, down)]
  const top = topOf([ups, downs], least)
  return renderPlot(
    [showCount(top), '0', showCount(top)],
    `${title}, every ten seconds of the last five minutes: ${up.name} above the line, ${down.name} below`,
    raw(
      `<path class="rule" d="M0,0H300M0,100H300"/>` +
        `<path class="bar c${up.color}" data-line="${up.name}" d="${barsOf(ups, top, false)}"/>` +
        `<path class="bar c${down.color}" data-line="${down.name}" d="${barsOf(downs, top, true)}"/>` +
        '<path class="base" d="M0,50H300"/>',
    ),
  )
}

function renderPlot(scale: readonly string[], label: string, shapes: Html | string): Html {
  return html`<div class="plot">
    <div class="scale" aria-hidden="true">
      ${scale.map((text, at) => html`<span data-scale="${at}">${text}</span>`)}
    </div>
    <svg viewBox="0 0 300 100" preserveAspectRatio="none" role="img" aria-label="${label}">
      ${shapes}
    </svg>
  </div>`
}

/** Every ten seconds a row, the newest first. */
function renderTable(chart: LineChart | BarChart, points: readonly Point[]): Html {
  const rows = points.filter((_, at) => (points.length - 1 - at) % 10 === 0).toReversed()
  const columns =
    chart.kind === 'lines'
      ? chart.lines.map((line) => ({
          name: line.name,
          cellOf: (point: Point) => {
            const value = line.valueOf(point)
            return value === null ? '–' : chart.show(value) + chart.unit
          },
        }))
      : [chart.up, chart.down].map(({ name, valueOf }) => ({
          name: `${name} in 10 s`,
          cellOf: (point: Point) =>
            showCount(
              points
                .filter(({ at }) => at <= point.at && at > point.at - 10_000)
                .reduce((sum, one) => sum + valueOf(one), 0),
            ),
        }))
  return html`<div class="scroll" tabindex="0" role="group" aria-label="${chart.title}, as a table">
    <table>
      <thead>
        <tr>
          <th scope="col">Time, UTC</th>
          ${columns.map(({ name }) => html`<th scope="col" class="number">${name}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          (point) =>
            html`<tr>
              <td>${showClock(point.at)}</td>
              ${columns.map(({ cellOf }) => html`<td class="number">${cellOf(point)}</td>`)}
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`
}
