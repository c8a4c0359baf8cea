/** Compares what a page says that a command prints with what it printed, which differs in ids, secrets and times. */
import * as assert from 'uvu/assert'

/**
 * What stands in the page for a value that differs from run to run, and the value of this run. One
 * placeholder stands for one value on the whole page, so that a page shows truly which id is which.
 */
export type Placeholders = Map<string, string>

/** When the examples of all pages begin; what is printed here is that many minutes from `startedAt`. */
const PAGE_STARTS_AT = Date.parse('2026-11-23T09:00:00.000Z')

export type Comparison = {
  readonly printed: string
  readonly actual: string
  readonly command: string
  readonly known: Placeholders
  /** When the page's first command was run, in ms since 1970. */
  readonly startedAt: number
}

const ID = String.raw`(?<![\w-])(?=[\w-]*[A-Z0-9])[\w-]{21}(?![\w-])`
const SECRET = String.raw`(?<=[\w-]{21}\.)[\w-]{3,42}…`
const API_KEY = String.raw`ck_[\w-]+…?`
const CURSOR = String.raw`(?<![\w-])\d+-(?=[\w-]*[A-Z0-9])[\w-]{6}(?![\w-])`
const PLACEHOLDER = new RegExp(`${SECRET}|${API_KEY}|${ID}|${CURSOR}`, 'g')

/** In place of a line that is `…`, and of one at the end. */
const ANY_LINES = '\u0001'
const ANY_REST = '\u0002'

/** The end of what has none is the same for every page. */
const ISO_TIME = /(?!9999)\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z/g
const HTTP_DATE = /(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT/g

/**
 * Throws unless both are the same but for placeholders, times, dates, curl's version, and the `npx`
 * before `coatcheck`. A time must be as many minutes from the start as the page says. In `printed`,
 * `…` is any text of a line, and a line that is nothing else any number of lines.
 */
export function assertPrinted(compared: Comparison): void {
  const { known, command, startedAt } = compared
  const expected = steady(compared.printed, PAGE_STARTS_AT)
    .replace(/^…\n/gm, ANY_LINES)
    .replace(/^…$/m, ANY_REST)
  const got = steady(compared.actual, startedAt)
  const groups = new Map<string, string>()
  const pattern = expected
    .split(PLACEHOLDER)
    .map(patternOf)
    .reduce((left, right, at) => left + patternOfPlaceholder(at - 1) + right)
  const found = new RegExp(`^${pattern}$`).exec(got)
  if (found === null) {
    const shown = expected.replaceAll(ANY_LINES, '…\n').replace(ANY_REST, '…')
    assert.is(got, shown, `what is printed by: ${command}`)
  }
  for (const [placeholder, group] of groups) {
    known.set(placeholder, found?.groups?.[group] ?? '')
  }

  function patternOfPlaceholder(at: number): string {
    const placeholder = expected.match(PLACEHOLDER)?.[at] ?? ''
    const value = known.get(placeholder)
    if (value !== undefined) return patternOf(value)
    const group = groups.get(placeholder)
    if (group !== undefined) return String.raw`\k<${group}>`
    groups.set(placeholder, `g${groups.size}`)
    return `(?<${groups.get(placeholder)}>${valuePatternOf(placeholder)})`
  }
}

/** The text with the values of this run in place of the placeholders. */
export function fillIn(text: string, known: Placeholders): string {
  return [...known].reduce((filled, [from, to]) => filled.replaceAll(from, to), text)
}

function valuePatternOf(placeholder: string): string {
  if (placeholder.startsWith('ck_')) return String.raw`ck_[\w-]+`
  // The place of an event, and the run of the server that it is in.
  if (/^\d+-/.test(placeholder)) return String.raw`\d+-[\w-]{6}`
  return placeholder.endsWith('…') ? String.raw`[\w-]{43}` : String.raw`[\w-]{21}`
}

function patternOf(text: string): string {
  return text
    .replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')
    .replaceAll(ANY_LINES, '(?:[^\\n]*\\n)*?')
    .replaceAll(ANY_REST, '[^]*')
    .replaceAll('…', '[^\\n]*?')
}

function steady(text: string, startedAt: number): string {
  return text
    .replaceAll('\r', '')
    .replace(ISO_TIME, (time) => `<minute ${Math.round((Date.parse(time) - startedAt) / 60_000)}>`)
    .replace(HTTP_DATE, '<date>')
    .replace(/\bcurl\/[\d.]+(?:-DEV)?/g, 'curl/<version>')
    .replaceAll('npx coatcheck', 'coatcheck')
    .replace(/[ \t]+$/gm, '')
    .trim()
}
