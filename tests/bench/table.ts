/** The samples of a run as one table: the median of the rounds in each column. */
import { BEFORE, ON_STORE, PRESENT } from './contenders/coatcheck.ts'
import type { Sample, Samples } from './measure.ts'
import type { Operation } from './data/operations.ts'

/** Lines of cells; the titles come first. */
export type Table = readonly (readonly string[])[]

const TITLES = [
  'operation',
  'contender',
  'kept in',
  'requests/s',
  'CPU µs',
  '× floor',
  'p50 ms',
  'p99 ms',
  'p99.9 ms',
  'MB',
]

/** The columns of words; the others hold figures. */
const WORDS = 3

type Column = {
  readonly title: string
  readonly cell: (rounds: readonly Sample[], samples: Samples) => string
}

/** A column more for who takes part only when asked for: another checkout, Coatcheck on another store. */
const COLUMNS_OF: Readonly<Record<string, readonly Column[]>> = {
  [BEFORE]: [{ title: '× before', cell: (rounds, samples) => ratioTo(BEFORE, rounds, samples) }],
  [ON_STORE]: [
    { title: '× Coatcheck', cell: (rounds, samples) => ratioTo(PRESENT, rounds, samples) },
    { title: '+ database', cell: databaseUsOf },
  ],
}

export function createTable(results: readonly (readonly [Operation, Samples])[]): Table {
  const columns = Object.entries(COLUMNS_OF).flatMap(([name, ofIt]) =>
    results.some(([, samples]) => roundsOf(name, samples) !== undefined) ? ofIt : [],
  )
  return [
    [...TITLES, ...columns.map(({ title }) => title)],
    ...results.flatMap(([operation, samples]) =>
      [...samples].map(([contender, rounds]) => [
        operation.title,
        contender.title,
        contender.keptIn ?? '—',
        ...figuresOf(rounds, samples),
        ...columns.map(({ cell }) => cell(rounds, samples)),
      ]),
    ),
  ]
}

/** Columns of one width, with a line between operations. */
export function renderText(table: Table): string {
  const widths = widthsOf(table)
  return table
    .map((line, at) => {
      const isNewGroup = at > 0 && line[0] !== table[at - 1]?.[0]
      return `${isNewGroup ? '\n' : ''}${pad(line, widths).join('  ').trimEnd()}\n`
    })
    .join('')
}

/** As Prettier leaves it. */
export function renderMarkdown(table: Table): string {
  const widths = widthsOf(table)
  const [titles = [], ...rest] = table
  const rule = widths.map((width, at) =>
    at < WORDS ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`,
  )
  return [pad(titles, widths), rule, ...rest.map((line) => pad(line, widths))]
    .map((cells) => `| ${cells.join(' | ')} |\n`)
    .join('')
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2
}

function figuresOf(rounds: readonly Sample[], samples: Samples): string[] {
  const of = (read: (sample: Sample) => number) => median(rounds.map(read))
  return [
    Math.round(of((sample) => sample.requestsPerSecond)).toLocaleString('en'),
    of((sample) => sample.cpuUs).toFixed(1),
    ratioTo('floor', rounds, samples),
    ...[
      of((sample) => sample.p50Us),
      of((sample) => sample.p99Us),
      of((sample) => sample.p999Us),
    ].map((us) => (us / 1000).toFixed(2)),
    (of((sample) => sample.residentBytes) / 1e6).toFixed(0),
  ]
}

/** Of the CPU time, round by round: a machine that slows down slows both. */
function ratioTo(reference: string, rounds: readonly Sample[], samples: Samples): string {
  const other = roundsOf(reference, samples)
  if (other === undefined) return '—'
  return median(rounds.map(({ cpuUs }, at) => cpuUs / (other[at]?.cpuUs ?? Number.NaN))).toFixed(2)
}

function databaseUsOf(rounds: readonly Sample[]): string {
  const us = median(rounds.map(({ databaseUs }) => databaseUs))
  return us === 0 ? '—' : us.toFixed(1)
}

function roundsOf(name: string, samples: Samples): readonly Sample[] | undefined {
  return [...samples].find(([contender]) => contender.name === name)?.[1]
}

function widthsOf(table: Table): number[] {
  return (table[0] ?? []).map((_, at) => Math.max(...table.map((line) => line[at]?.length ?? 0)))
}

function pad(line: readonly string[], widths: readonly number[]): string[] {
  return line.map((cell, at) => {
    const width = widths[at] ?? 0
    return at < WORDS ? cell.padEnd(width) : cell.padStart(width)
  })
}
