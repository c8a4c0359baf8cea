/**
 * The shapes of charts, in a box of 300 × 100 that is stretched to its place: one second is one unit. The
 * same on the server, which draws the first picture, and in the browser, which goes on.
 */
export const WIDTH = 300
export const HEIGHT = 100

/** Null where there is nothing to show. */
export type Values = readonly (number | null)[]

const STEPS = [1, 1.5, 2, 3, 4, 5, 6, 8, 10]

/** The end of the scale: a number that is easy to halve in the head, at least `least`. */
export function topOf(series: readonly Values[], least: number): number {
  const most = Math.max(least, ...series.flat().map((value) => value ?? 0))
  const power = 10 ** Math.floor(Math.log10(most))
  return (STEPS.find((step) => step * power >= most) ?? 10) * power
}

/** A line through the values, the last of which is at the right end. It has gaps where there are none. */
export function lineOf(values: Values, top: number): string {
  return runsOf(values)
    .map((run) => {
      const [first, ...rest] = run.map(({ x, value }) => `${x},${round(yOf(value, top))}`)
      // Without a length, a line with round ends is a dot.
      return rest.length === 0 ? `M${first}h0` : `M${first}L${rest.join(' ')}`
    })
    .join('')
}

/** What is below the line. */
export function areaOf(values: Values, top: number): string {
  return runsOf(values)
    .filter((run) => run.length > 1)
    .map((run) => {
      const line = run.map(({ x, value }) => `${x},${round(yOf(value, top))}`).join(' ')
      return `M${run[0]?.x},${HEIGHT}L${line}L${run.at(-1)?.x},${HEIGHT}Z`
    })
    .join('')
}

/** The place of a value from the left, 0 to `WIDTH`. */
export function xOf(at: number, count: number): number {
  return WIDTH - (count - 1 - at)
}

export function yOf(value: number, top: number): number {
  return HEIGHT - (value / top) * HEIGHT
}

/** Bars from the middle up, or down with `isDown`; the last one is at the right end. */
export function barsOf(values: readonly number[], top: number, isDown: boolean): string {
  const slot = WIDTH / BARS
  return values
    .map((value, at) => {
      const height = round((value / top) * (HEIGHT / 2))
      const left = WIDTH - (values.length - at) * slot + GAP / 2
      return height === 0
        ? ''
        : `M${left},${HEIGHT / 2}h${slot - GAP}v${isDown ? height : -height}h${GAP - slot}z`
    })
    .join('')
}

/** Bars of ten seconds. */
export const BARS = 30
export const BAR_MS = 10_000
const GAP = 3

/** Sums of the whole tens of seconds that the points are in, as many as there are bars, the last under way. */
export function barSums<P extends { readonly at: number }>(
  points: readonly P[],
  of: (point: P) => number,
): number[] {
  const last = points.at(-1)
  if (last === undefined) return []
  const sums = Array.from({ length: BARS }, () => 0)
  const newest = Math.floor(last.at / BAR_MS)
  for (const point of points) {
    const bar = BARS - 1 - (newest - Math.floor(point.at / BAR_MS))
    if (bar >= 0 && bar < BARS) sums[bar] = (sums[bar] ?? 0) + of(point)
  }
  return sums
}

type Place = { readonly x: number; readonly value: number }

function runsOf(values: Values): Place[][] {
  const runs: Place[][] = []
  let run: Place[] = []
  for (const [at, value] of values.entries()) {
    if (value === null) {
      run = []
      continue
    }
    if (run.length === 0) runs.push(run)
    run.push({ x: xOf(at, values.length), value })
  }
  return runs
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}
