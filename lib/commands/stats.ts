import { DATA_FILE_EXITS, EXIT } from '../command-line/exit-codes.ts'
import { createProgress } from '../command-line/progress.ts'
import { openForReading } from '../store-sqlite/operator/reading-database.ts'
import { guarded } from '../store-sqlite/database/storage-error.ts'
import {
  countSessions,
  readStatistics,
  type Statistics,
} from '../store-sqlite/operator/statistics.ts'
import { type Command, refuseWords } from './command.ts'

const HOUR = 3_600_000

export const statsCommand: Command = {
  usage: ['stats'],
  summary:
    'Counts the sessions in the data file by state and age, the ended ones by reason, and names ' +
    'the largest sessions and the users with the most. Shows ids and users but no data.',
  exitCodes: DATA_FILE_EXITS,
  async run({ words, json, dataPath }, io) {
    refuseWords(statsCommand, words)
    const { database, close } = openForReading(dataPath)
    try {
      const progress = createProgress({
        ...io,
        write: io.err,
        label: 'Reading sessions',
        total: countSessions(database),
      })
      const statistics = guarded(dataPath, () =>
        readStatistics(database, dataPath, io.clock.now(), progress.advance),
      )
      progress.finish()
      io.out(json ? `${JSON.stringify(statistics)}\n` : renderStatistics(statistics))
      return EXIT.done
    } finally {
      close()
    }
  },
}

function renderStatistics(statistics: Statistics): string {
  const { sessions, byAge, ended, topSubs, largest, file } = statistics
  return [
    section('Sessions', [
      ['live', sessions.live],
      ['expired, not yet swept', sessions.expired],
      ['of these, permanent', sessions.permanent],
      ['bytes of data and claims', sessions.bytes],
    ]),
    section(
      'Live sessions by age',
      byAge.map(({ upToMs, live }) => [renderAge(upToMs), live]),
    ),
    section('Ended, and remembered', Object.entries(ended)),
    section(
      'Users with the most sessions',
      topSubs.map(({ sub, sessions }) => [quote(sub), sessions]),
    ),
    section(
      'Largest sessions, in bytes',
      largest.map(({ id, bytes }) => [quote(id), bytes]),
    ),
    section('File, in bytes', [
      ['file', file.bytes],
      ['free within it', file.freeBytes],
      ['WAL beside it', file.walBytes],
    ]),
  ].join('')
}

function section(title: string, rows: readonly (readonly [string, number])[]): string {
  const width = Math.max(...rows.map(([name]) => name.length), 26)
  const lines = rows.map(
    ([name, count]) => `  ${name.padEnd(width)} ${count.toLocaleString('en').padStart(15)}\n`,
  )
  return `${title}\n${rows.length === 0 ? '  none\n' : lines.join('')}`
}

function renderAge(upToMs: number | undefined): string {
  if (upToMs === undefined) return 'older'
  return upToMs < 24 * HOUR ? `up to ${upToMs / HOUR} h` : `up to ${upToMs / (24 * HOUR)} d`
}

/** As JSON where a name has characters that could control the terminal. */
function quote(name: string): string {
  return /^[\x21-\x7e]+$/.test(name) ? name : JSON.stringify(name).replace(/[\x7f-\x9f]/g, '?')
}
