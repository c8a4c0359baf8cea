import { quote } from '../base/quote.ts'
import { DATA_EXITS, EXIT } from '../command-line/exit-codes.ts'
import { createProgress } from '../command-line/progress.ts'
import type { Statistics } from '../store/inspection.ts'
import { type Command, refuseWords } from './command.ts'
import { inspections } from './open-store.ts'

const HOUR = 3_600_000

export const statsCommand: Command = {
  usage: ['stats'],
  summary:
    'Counts the sessions by state and age, the ended ones by reason, and names ' +
    'the largest sessions and the users and apps with the most. Shows ids and users but no data.',
  exitCodes: DATA_EXITS,
  async run({ words, json, data }, io) {
    refuseWords(statsCommand, words)
    const reader = await inspections.openStatistics(data)
    try {
      const progress = createProgress({
        ...io,
        write: io.err,
        label: 'Reading sessions',
        total: await reader.countSessions(),
      })
      const statistics = await reader.read(io.clock.now(), progress.advance)
      progress.finish()
      io.out(json ? `${JSON.stringify(statistics)}\n` : renderStatistics(statistics))
      return EXIT.done
    } finally {
      await reader.close()
    }
  },
}

function renderStatistics(statistics: Statistics): string {
  const { sessions, byAge, ended, topSubs, topApps, largest } = statistics
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
      topSubs.map(({ sub, sessions }) => [renderName(sub), sessions]),
    ),
    section(
      'Apps with the most sessions',
      topApps.map(({ app, sessions }) => [renderName(app), sessions]),
    ),
    section(
      'Largest sessions, in bytes',
      largest.map(({ id, bytes }) => [renderName(id), bytes]),
    ),
    renderSizes(statistics),
  ].join('')
}

function renderSizes({ file, database }: Statistics): string {
  if (database !== undefined) {
    return section('Database, in bytes', [
      ['database', database.bytes],
      ['table of sessions', database.tableBytes],
      ['its indexes', database.indexBytes],
    ])
  }
  return section('File, in bytes', [
    ['file', file?.bytes ?? 0],
    ['free within it', file?.freeBytes ?? 0],
    ['WAL beside it', file?.walBytes ?? 0],
  ])
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

/** Without quotes where each character is one that can be seen. */
function renderName(name: string): string {
  return /^[\x21-\x7e]+$/.test(name) ? name : quote(name)
}
