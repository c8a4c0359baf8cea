/** A table of Markdown in the columns of a terminal. */
import { type Style, widthOf } from './style.ts'
import { padTo, wrapText } from './wrap-text.ts'

/** Between two columns. */
const GAP = '  '
/** Narrower than this a column of long texts is hard to read. */
const LEAST_WIDTH = 16

type Row = readonly string[]

/** Its cells side by side where they fit, wrapped; else below each other, one row after the other. */
export function renderTextTable(
  head: Row,
  rows: readonly Row[],
  columns: number,
  style: Style,
): string[] {
  const widths = fitWidths([head, ...rows], columns)
  if (widths === undefined) return renderStacked(head, rows, columns, style)
  const bold = head.map((cell) => style.bold(cell))
  const rule = widths.map((width) => style.faint('─'.repeat(width))).join(GAP)
  const blocks = rows.map((row) => renderRow(row, widths))
  const isWrapped = blocks.some((lines) => lines.length > 1)
  const body = blocks.flatMap((lines, at) => (isWrapped && at > 0 ? ['', ...lines] : lines))
  return [...renderRow(bold, widths), rule, ...body]
}

/** Undefined where they do not fit. */
function fitWidths(rows: readonly Row[], columns: number): number[] | undefined {
  const places = (rows[0] ?? []).map((_, at) => rows.map((row) => row[at] ?? ''))
  const wanted = places.map((cells) => Math.max(...cells.map(widthOf)))
  const least = places.map((cells, at) => {
    const words = cells.flatMap((cell) => cell.split(/\s+/).map(widthOf))
    return Math.max(...words, Math.min(wanted[at] ?? 0, LEAST_WIDTH))
  })
  let left = columns - GAP.length * (places.length - 1) - sum(least)
  if (left < 0) return undefined
  const widths = [...least]
  // A column at a time, the one that is shortest of what it wants: those that can be whole are.
  for (const at of widths
    .keys()
    .toArray()
    .sort((a, b) => lack(a) - lack(b))) {
    const others = widths.filter((_, other) => lack(other) > 0).length
    const share = Math.min(lack(at), others === 0 ? 0 : Math.floor(left / others))
    widths[at] = (widths[at] ?? 0) + share
    left -= share
  }
  return widths

  function lack(at: number): number {
    return (wanted[at] ?? 0) - (widths[at] ?? 0)
  }
}

function renderRow(row: Row, widths: readonly number[]): string[] {
  const cells = widths.map((width, at) => wrapText(row[at] ?? '', width))
  const height = Math.max(...cells.map((lines) => lines.length))
  return Array.from({ length: height }, (_, line) =>
    cells
      .map((lines, at) => padTo(lines[line] ?? '', widths[at] ?? 0))
      .join(GAP)
      .trimEnd(),
  )
}

function renderStacked(
  [, ...heads]: Row,
  rows: readonly Row[],
  columns: number,
  style: Style,
): string[] {
  const nameWidth = Math.min(Math.max(...heads.map(widthOf)), Math.floor(columns / 3))
  const widths = [0, nameWidth, columns - nameWidth - 2 * GAP.length]
  return rows.flatMap(([first = '', ...others], at) => {
    const cells = others.flatMap((cell, place) =>
      cell === '' ? [] : renderRow(['', style.faint(heads[place] ?? ''), cell], widths),
    )
    return [...(at > 0 ? [''] : []), ...wrapText(style.bold(first), columns), ...cells]
  })
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}
