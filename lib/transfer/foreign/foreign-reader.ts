/** Reads the sessions of another store from the records of a dump. */
import { isUtf8 } from 'node:buffer'
import { decodeRecord, type ImportItem, type ImportReader, wrongRecord } from '../import-reader.ts'
import type { InputRecord } from '../input-records.ts'
import { parseDumpObject } from './dump-entry.ts'
import { createDumpLines, type LineEntry } from './dump-lines.ts'
import { type ForeignOptions, readForeignSession } from './foreign-session.ts'
import { traitsOf } from './stores.ts'

const OPEN_BRACE = 0x7b
const OPEN_BRACKET = 0x5b

export function createForeignReader(options: ForeignOptions): ImportReader {
  const { store, prefix } = options
  const isFlask = traitsOf(store).framework === 'flask'
  const lines = createDumpLines(
    prefix === '' ? (word) => /^[\w-]{16,}$/.test(word) : (word) => word.startsWith(prefix),
  )

  /** In the pieces of the object that is being read. */
  let entriesBefore = 0

  function itemOf({ line, read }: LineEntry): ImportItem {
    return { line, read: (now) => readForeignSession(read(), options, now) }
  }

  function textOf(record: InputRecord): string {
    // MessagePack that was printed as it is: each byte is a character, until it is read.
    const { text } = record
    return isFlask && text !== undefined && !isUtf8(text)
      ? text.toString('latin1')
      : decodeRecord(text)
  }

  return {
    takesPieces: true,
    take(record) {
      try {
        const text = textOf(record)
        const first = record.text?.[0]
        // A value that stands on the line after its key is no object of keys.
        if ((first !== OPEN_BRACE && first !== OPEN_BRACKET) || lines.needValue()) {
          return lines.take(text, record.line).map(itemOf)
        }
        const before = lines.end().map(itemOf)
        try {
          return [...before, ...objectItems(text, record)]
        } catch (error) {
          return [...before, wrongRecord(record.line, error)]
        }
      } catch (error) {
        return [...lines.end().map(itemOf), wrongRecord(record.line, error)]
      }
    },
    end: () => lines.end().map(itemOf),
  }

  function objectItems(text: string, { line, goesOn }: InputRecord): ImportItem[] {
    const entries = parseDumpObject(text)
    const before = goesOn ? entriesBefore : 0
    entriesBefore = before + entries.length
    return entries.map((entry, index) => ({
      line,
      ...(entriesBefore > 1 ? { entry: before + index + 1 } : {}),
      read: (now) => readForeignSession(entry, options, now),
    }))
  }
}
