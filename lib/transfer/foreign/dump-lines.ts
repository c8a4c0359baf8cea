/**
 * Keys and values in lines of text: the commands that npm's redis-dump writes (`SET key 'value'`,
 * then `EXPIRE key 50`), and what loops over `redis-cli --scan` print: `key value`, `key value ttl` or
 * `key ttl value` with spaces, tabs or commas between, or each on a line of its own.
 */
import { invalidSession } from '../invalid-session.ts'
import type { DumpEntry } from './dump-entry.ts'
import { type DumpTime, parseIsoTime, parseTtl } from './dump-time.ts'
import { takeWord } from './quoted.ts'

/** An entry with the line where it begins; `read` throws if the line is wrong. */
export type LineEntry = { readonly line: number; readonly read: () => DumpEntry }

export type DumpLines = {
  /** The entries that this line completes. */
  take(text: string, line: number): readonly LineEntry[]
  /** Whether the last line was a key, whose value comes next. */
  needValue(): boolean
  /** The entries that were waiting for more lines. */
  end(): readonly LineEntry[]
}

type Waiting = {
  readonly line: number
  readonly key: string
  value: string | undefined
  time: DumpTime | undefined
}

/** Commands of a dump that say nothing about a session. */
const IDLE_COMMANDS = /^(?:DEL|UNLINK|SELECT|PING|MULTI|EXEC|FLUSHDB|FLUSHALL|AUTH|PERSIST|OK)$/i
const COLLECTION_COMMANDS = /^(?:H(?:M?SET)|[LR]PUSH|SADD|ZADD|XADD)$/i
const TIME_COMMANDS: Readonly<Record<string, (count: number) => DumpTime>> = {
  EXPIRE: (count) => ({ kind: 'left', ms: count * 1000 }),
  PEXPIRE: (count) => ({ kind: 'left', ms: count }),
  EXPIREAT: (count) => ({ kind: 'until', ms: count * 1000 }),
  PEXPIREAT: (count) => ({ kind: 'until', ms: count }),
}
const SET_OPTIONS: Readonly<Record<string, string>> = {
  EX: 'EXPIRE',
  PX: 'PEXPIRE',
  EXAT: 'EXPIREAT',
  PXAT: 'PEXPIREAT',
}

const INTEGER = /^(?:\(integer\) )?(-?\d+)$/
const NOTHING = /^\(nil\)$/
const HEADER = /^"?(?:key|sid|id|session_id)"?[\t,].*\b(?:value|sess|session|data)\b/i

/** `isKey`: whether a word is a key of the store. Lines with other keys are wrong. */
export function createDumpLines(isKey: (word: string) => boolean): DumpLines {
  let waiting: Waiting | undefined

  function needValue(): boolean {
    return waiting !== undefined && waiting.value === undefined
  }

  function flush(): LineEntry[] {
    const { line, key, value, time } = waiting ?? {}
    waiting = undefined
    if (line === undefined || key === undefined) return []
    if (value === undefined) return [{ line, read: () => fail('no value follows its key') }]
    return [entryOf(line, key, value, time)]
  }

  /** Undefined if the line is no command. */
  function takeCommand(text: string, line: number): LineEntry[] | undefined {
    const word = takeWord(text)
    const name = word?.text.toUpperCase() ?? ''
    const key = takeWord(word?.rest ?? '')
    if (IDLE_COMMANDS.test(name) && !isKey(name)) return flush()
    if (word === undefined || key === undefined || key.text === '') return undefined
    if (COLLECTION_COMMANDS.test(name)) {
      return [...flush(), { line, read: () => fail('its value is a collection, no string') }]
    }
    const toTime = TIME_COMMANDS[name]
    if (toTime !== undefined) {
      const time = INTEGER.exec(key.rest)
      // The time of another kind of key follows that key.
      if (time !== null && waiting?.key === key.text) waiting.time = toTime(Number(time[1]))
      return []
    }
    if (name !== 'SET') return undefined
    const value = takeWord(key.rest)
    if (value === undefined) {
      return [...flush(), { line, read: () => fail('a quote in it is not closed') }]
    }
    const done = flush()
    const option = takeWord(value.rest)
    const setTime = TIME_COMMANDS[SET_OPTIONS[option?.text.toUpperCase() ?? ''] ?? '']
    const count = INTEGER.exec(option?.rest ?? '')
    const time = setTime !== undefined && count !== null ? setTime(Number(count[1])) : undefined
    waiting = { line, key: key.text, value: value.text, time }
    return done
  }

  function takePair(text: string, line: number): LineEntry[] {
    const count = INTEGER.exec(text)
    if (waiting !== undefined && count !== null && waiting.time === undefined) {
      waiting.time = parseTtl(count[1] ?? '', 1000)
      return waiting.value === undefined ? [] : flush()
    }
    const word = takeWord(text)
    if (word !== undefined && isKey(word.text)) {
      const done = flush()
      const row = readRow(word.rest)
      if (row === undefined) {
        waiting = { line, key: word.text, value: undefined, time: undefined }
        return done
      }
      return [...done, entryOf(line, word.text, row.value, row.time)]
    }
    if (waiting !== undefined && waiting.value === undefined) {
      if (NOTHING.test(text)) {
        const { line } = waiting
        waiting = undefined
        return [{ line, read: () => fail('it has no value: it was gone when it was read') }]
      }
      waiting.value = unquote(text)
      return []
    }
    const shape = {
      line,
      read: () => fail('it is neither JSON nor a key of the store and a value'),
    }
    return [...flush(), shape]
  }

  return {
    take(text, line) {
      if (line === 1 && HEADER.test(text)) return []
      return (needValue() ? undefined : takeCommand(text, line)) ?? takePair(text, line)
    },
    needValue,
    end: flush,
  }
}

/** The value after a key on its line, and the time before or after the value; undefined for none. */
function readRow(rest: string): { value: string; time: DumpTime | undefined } | undefined {
  const lone = INTEGER.exec(rest)
  if (rest === '' || (lone === null && NOTHING.test(rest))) return undefined
  const before = /^(-?\d+)[\t ,]+(.+)$/s.exec(rest)
  if (before?.[1] !== undefined && before[2] !== undefined) {
    return { value: unquote(before[2]), time: parseTtl(before[1], 1000) }
  }
  const behind = /^(.*[}"'])[\t ,]+"?(-?\d+|\d{4}-\d\d-\d\d[^"]*)"?$/s.exec(rest)
  if (behind?.[1] !== undefined && behind[2] !== undefined) {
    const moment = behind[2].includes('-', 1) ? parseIsoTime(behind[2]) : undefined
    const time =
      moment === undefined
        ? parseTtl(behind[2], 1000)
        : ({ kind: 'until', ms: moment } satisfies DumpTime)
    return { value: unquote(behind[1]), time }
  }
  return { value: unquote(rest), time: undefined }
}

/** Removes quotes around the whole text. */
function unquote(text: string): string {
  const word = /^["']/.test(text) ? takeWord(text) : undefined
  return word === undefined || word.rest !== '' ? text : word.text
}

function entryOf(line: number, key: string, value: string, time: DumpTime | undefined): LineEntry {
  const entry = { key, value: JSON.stringify(value), time: () => time }
  return { line, read: () => entry }
}

function fail(reason: string): never {
  throw invalidSession(reason)
}
