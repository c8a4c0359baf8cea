import { isUtf8 } from 'node:buffer'
import { setTimeout as sleep } from 'node:timers/promises'
import { CoatcheckError } from '../errors.ts'
import { expiresAt, type Session } from '../session/session.ts'
import { parseSessionLine } from '../session/session-line.ts'
import { createMissingFile } from '../store/command-database.ts'
import { type FileAccess, openFileAccess } from '../store/file-access.ts'
import type { Inserted } from '../store/store.ts'
import { type Command, type CommandIo, usageError } from './command.ts'
import { FILE_EXIT_CODES } from './file-exit-codes.ts'
import { isForeignStore, parseForeignLine } from './foreign-dumps.ts'
import { joinOneObject, LINE_LIMIT_BYTES, linesOf, type ParseLine } from './input-lines.ts'
import { createProgress } from './progress.ts'

/** So many in one transaction: a running server's writes wait for no more than that. */
const BATCH = 200

/** Between two transactions, so that a server that waits for its turn gets it. */
const PAUSE_MS = 5

export const importCommand: Command = {
  usage: ['import [--strict] [--from connect-redis|flask-session] < FILE'],
  summary:
    'Reads sessions from stdin, one a line, as "export" writes them. An id that is there already, or\n' +
    'was until it ended, is left as it is: so an import that was broken off is simply run again.',
  options: { strict: { type: 'boolean' }, from: { type: 'string' } },
  flagHelp: [
    ['--strict', 'stop at the first wrong line; what came before it stays'],
    ['--from STORE', 'a dump of another store: {"key":value}, one a line or all in one object, or'],
    ['', '{"key":…,"value":…,"ttl":seconds} with the time that Redis gives them'],
  ],
  exitCodes: [[65, 'a line is wrong, with --strict'], ...FILE_EXIT_CODES],
  async run({ words, flags, json, dataPath }, io) {
    const store = flags['from']
    if (words.length > 0) throw usageError(importCommand, 'Cannot take more words')
    if (store !== undefined && !isForeignStore(store)) {
      throw usageError(importCommand, '--from must be connect-redis or flask-session')
    }
    const parse = store === undefined ? parseOwnLine : parseForeignLine(store)
    const lines = store === undefined ? linesOf(io.stdin) : joinOneObject(linesOf(io.stdin))
    // Sessions often move to a machine where no server has run yet.
    createMissingFile(dataPath)
    const file = openFileAccess(dataPath)
    try {
      const counts = await importLines(file, lines, parse, flags['strict'] === true, io)
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

type Counts = { imported: number; there: number; expired: number; wrong: number }

function parseOwnLine(line: string, now: number): readonly (() => Session)[] {
  return [() => parseSessionLine(line, now)]
}

async function importLines(
  file: FileAccess,
  lines: AsyncIterable<Buffer | undefined>,
  parse: ParseLine,
  strict: boolean,
  io: CommandIo,
): Promise<Counts> {
  const counts: Counts = { imported: 0, there: 0, expired: 0, wrong: 0 }
  const progress = createProgress({ ...io, write: io.err, label: 'Importing', total: undefined })
  let batch: Session[] = []
  let number = 0

  function insertBatch(): void {
    const requests = batch.map((session) => ({ kind: 'insert', session, seenAt: 0 }) as const)
    for (const answer of file.write(requests)) {
      if ((answer as Inserted).inserted) counts.imported++
      else counts.there++
    }
    progress.advance(batch.length)
    batch = []
  }

  /** Answers what `read` does; undefined, having said why, where it refuses. */
  function readOrTell<T>(read: () => T): T | undefined {
    try {
      return read()
    } catch (error) {
      if (!(error instanceof CoatcheckError)) throw error
      counts.wrong++
      io.err(`Line ${number}: ${error.message}\n`)
      return undefined
    }
  }

  async function readLine(line: Buffer | undefined): Promise<void> {
    const now = io.clock.now()
    for (const read of readOrTell(() => parse(decode(line), now)) ?? []) {
      const session = readOrTell(read)
      if (strict && counts.wrong > 0) return
      if (session === undefined) continue
      if (expiresAt(session) > now) batch.push(session)
      else counts.expired++
      if (batch.length < BATCH) continue
      insertBatch()
      await sleep(PAUSE_MS)
    }
  }

  try {
    for await (const line of lines) {
      number++
      if (line === undefined || !isBlank(line)) await readLine(line)
      if (strict && counts.wrong > 0) break
    }
    insertBatch()
  } catch (error) {
    io.err(`Broken off; ${counts.imported} imported before that stay: mend it, and run it again\n`)
    throw error
  } finally {
    progress.finish()
  }
  return counts
}

function isBlank(line: Buffer): boolean {
  return line.every((byte) => byte === 32 || byte === 9)
}

function decode(line: Buffer | undefined): string {
  if (line === undefined) {
    throw new CoatcheckError('body_too_large', `Cannot read it: over ${LINE_LIMIT_BYTES} bytes`)
  }
  if (isUtf8(line)) return line.toString('utf8')
  throw new CoatcheckError('invalid_utf8', 'Cannot read it: it is not UTF-8')
}
