/** A line of the log as text: JSON for collectors, aligned columns for a person at a terminal. */
import { styleText } from 'node:util'
import { cutTo, escapeUnseen, quote } from './quote.ts'

export type LogLevel = 'info' | 'warn' | 'error'

export type LogFacts = Readonly<Record<string, LogFact>>

/** A group of facts is for programs: text leaves it out. */
export type LogFact = string | number | boolean | LogGroup
export type LogGroup = { readonly [name: string]: string | null }

export type LogLine = {
  /** As ISO 8601, in UTC. */
  readonly time: string
  readonly level: LogLevel
  readonly event: string
  readonly facts: LogFacts
}

/** Without the line feed at the end. */
export type RenderLine = (line: LogLine) => string

/** Of one fact. */
const MOST_CHARACTERS = 4_096

/** One object: `time`, `level`, `event` and the facts. */
export const renderJsonLine: RenderLine = ({ time, level, event, facts }) => {
  const entries = Object.entries(facts).map(([name, fact]) => [name, boundedOf(fact)] as const)
  // control: log-one-line
  return escapeUnseen(JSON.stringify({ time, level, event, ...Object.fromEntries(entries) }))
}

/** The width of most events. */
const EVENT_WIDTH = 20

/** `2026-01-01 00:00:00Z info   swept                 ended=2 removed=0` */
export function createTextLines({ colour }: { readonly colour: boolean }): RenderLine {
  const style = (format: Style, text: string): string =>
    colour ? styleText(format, text, { validateStream: false }) : text

  return ({ time, level, event, facts }) => {
    const shown = Object.entries(facts).flatMap(([name, fact]) =>
      typeof fact === 'object' ? [] : [style('dim', `${name}=`) + renderFact(fact)],
    )
    const start = [
      style('dim', `${time.slice(0, 19).replace('T', ' ')}Z`),
      style(STYLES[level], level.padEnd(5)),
      style('bold', event.padEnd(EVENT_WIDTH)),
    ]
    return [start.join('  '), ...shown].join(shown.length === 0 ? '' : ' ').trimEnd()
  }
}

type Style = 'dim' | 'bold' | 'green' | 'yellow' | 'red'

const STYLES = { info: 'green', warn: 'yellow', error: 'red' } as const

/** Bare where nothing in it could be taken for something else. */
function renderFact(fact: string | number | boolean): string {
  if (typeof fact !== 'string') return String(fact)
  const text = cutTo(fact, MOST_CHARACTERS)
  // control: log-text-one-line
  return /^[\w.:/@%+,~*-]+$/.test(text) ? text : quote(text)
}

function boundedOf(fact: LogFact): LogFact {
  return typeof fact === 'string' ? cutTo(fact, MOST_CHARACTERS) : fact
}
