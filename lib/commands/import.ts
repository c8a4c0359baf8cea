import { isUtf8 } from 'node:buffer'
import { CoatcheckError } from '../errors.ts'
import { expiresAt, type Session } from '../session/session.ts'
import { parseSessionLine } from '../session/session-line.ts'
import { type FileAccess, openFileAccess } from '../store/file-access.ts'
import type { Inserted } from '../store/store.ts'
import { type Command, type CommandIo, usageError } from './command.ts'
import { FILE_EXIT_CODES } from './file-exit-codes.ts'
import { isForeignStore, parseForeignLine } from './foreign-dumps.ts'
import { createProgress } from './progress.ts'

/** So many in one transaction: a running server's writes wait for no more than that. */
const BATCH = 500

export const importCommand: Command = {
  usage: ['import [--strict] [--from connect-redis|flask-session] < FILE'],
  summary:
    'Reads sessions from stdin, one a line, as "export" writes them. An id that is there already, or\n' +
    'was until it ended, is left as it is: so an import that was broken off is simply run again.',
  options: { strict: { type: 'boolean' }, from: { type: 'string' } },
  flagHelp: [
    ['--strict', 'stop at the first wrong line; what came before it stays'],
    ['--from STORE', 'lines of {"key":value} from a dump of another store'],
  ],
  exitCodes: [[65, 'a line is wrong, with --strict'], ...FILE_EXIT_CODES],
  async run({ words, flags, json, dataPath }, io) {
    const store = flags['from']
    if (words.length > 0) throw usageError(importCommand, 'Cannot take more words')
    if (store !== undefined && !isForeignStore(store)) {
      throw usageError(importCommand, '--from must be connect-redis or flask-session')
    }
    const parse = store === undefined ? parseOwnLine : parseForeignLine(store)
    const file = openFileAccess(dataPath)
    try {
      const counts = await importLines(file, parse, flags['strict'] === true, io)
      const { imported, there, expired, wrong } = counts
      io.out(
        json
          ? `${JSON.stringify(counts)}\n`
          : `Imported ${imported}; left out ${there} that were there, ${expired} expired and ` +
              `${wrong} wrong\n`,
      )
      return wrong > 0 && flags['strict'] === true ? 65 : 0
    } finally {
      file.close()
    }
  },
}

/** The sessions that a line holds. */
export type ParseLine = (line: string, now: number) => readonly Session[]

type Counts = { imported: number; there: number; expired: number; wrong: number }

function parseOwnLine(line: string, now: number): readonly Session[] {
  return [parseSessionLine(line, now)]
}

async function importLines(
  file: FileAccess,
  parse: ParseLine,
  strict: boolean,
  io: CommandIo,
): Promise<Counts> {
  const counts: Counts = { imported: 0, there: 0, expired: 0, wrong: 0 }
  const progress = createProgress({ ...io, write: io.err, label: 'Importing', total: undefined })
  let batch: Session[] = []

  function insertBatch(): void {
    const requests = batch.map((session) => ({ kind: 'insert', session }) as const)
    for (const answer of file.write(requests)) {
      if ((answer as Inserted).inserted) counts.imported++
      else counts.there++
    }
    progress.advance(batch.length)
    batch = []
  }

  let number = 0
  for await (const bytes of linesOf(io.stdin)) {
    number++
    if (bytes.length === 0) continue
    try {
      if (!isUtf8(bytes))
        throw new CoatcheckError('invalid_utf8', 'Cannot read it: it is not UTF-8')
      for (const session of parse(bytes.toString('utf8'), io.clock.now())) {
        if (expiresAt(session) > io.clock.now()) batch.push(session)
        else counts.expired++
      }
    } catch (error) {
      if (!(error instanceof CoatcheckError)) throw error
      counts.wrong++
      io.err(`Line ${number}: ${error.message}\n`)
      if (strict) break
    }
    if (batch.length >= BATCH) insertBatch()
  }
  insertBatch()
  progress.finish()
  return counts
}

/** The lines of a stream, without their ends; bytes, for what is not UTF-8 is to be told. */
async function* linesOf(input: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let started: Buffer[] = []
  for await (const chunk of input) {
    let from = 0
    for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, from)) {
      yield trimEnd(Buffer.concat([...started, chunk.subarray(from, end)]))
      started = []
      from = end + 1
    }
    if (from < chunk.length) started.push(chunk.subarray(from))
  }
  if (started.length > 0) yield trimEnd(Buffer.concat(started))
}

function trimEnd(line: Buffer): Buffer {
  return line.at(-1) === 13 ? line.subarray(0, -1) : line
}
