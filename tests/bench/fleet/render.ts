/** The simulation's tables, as Markdown in the manual has them. */
import { costOfOne, type Costs, type Levels } from './costs.ts'
import { CONNECTIONS_EACH, type endOfPrimary, limitsOf, type Machine, type Need } from './fleet.ts'

type Rows = readonly (readonly string[])[]

const NAMES: Readonly<Record<keyof Omit<Costs, keyof Single>, string>> = {
  find: 'a read',
  change: 'a change',
  insert: 'a log-in',
  insertLimited: 'a log-in, limited',
  end: 'a log-out',
  touch: 'activity',
  expire: 'an expiry, swept',
  forget: 'an end, forgotten',
}

type Single = Pick<
  Costs,
  | 'httpUs'
  | 'pageImage'
  | 'vacuumUs'
  | 'idleSecond'
  | 'tableBytesPerSession'
  | 'indexBytesPerSession'
  | 'bytesPerTombstone'
  | 'bytesPerConnection'
  | 'bytesPerCoatcheck'
>

/** µs of Coatcheck and of PostgreSQL for one of each, by how many are under way at the same time. */
export function renderCosts(costs: Costs): string {
  const cpu = (levels: Levels, together: number) => {
    const { coatcheckUs, postgresUs } = costOfOne(levels, together)
    return `${round(coatcheckUs)} + ${round(postgresUs)}`
  }
  const titles = ['µs of CPU, Coatcheck + PostgreSQL', 'alone', 'of 8', 'of 64', 'bytes of WAL']
  const rows = Object.entries(NAMES).map(([key, name]) => {
    const levels = costs[key as keyof typeof NAMES]
    const { walBytes } = costOfOne(levels, 64)
    return [name, ...[1, 8, 64].map((together) => cpu(levels, together)), round(walBytes)]
  })
  return renderTable([titles, ...rows])
}

/** The costs that have no levels. */
export function renderSingleCosts(costs: Costs): string {
  return renderTable([['', '', 'unit'], ...singleRows(costs)])
}

function singleRows(costs: Costs): Rows {
  const { idleSecond, pageImage } = costs
  return [
    ['HTTP of a request', round(costs.httpUs), 'µs of Coatcheck'],
    ['a second of a process at rest', round(idleSecond.coatcheckUs), 'µs of Coatcheck'],
    ['', round(idleSecond.postgresUs), 'µs of PostgreSQL'],
    ['', round(idleSecond.walBytes), 'bytes of WAL'],
    ['a page first written after a checkpoint', round(pageImage.postgresUs), 'µs of PostgreSQL'],
    ['', round(pageImage.walBytes), 'bytes of WAL'],
    ['vacuum, for each end', round(costs.vacuumUs), 'µs of PostgreSQL'],
    ['a session in the table', round(costs.tableBytesPerSession), 'bytes'],
    ['a session in the indexes', round(costs.indexBytesPerSession), 'bytes'],
    ['a tombstone, with indexes', round(costs.bytesPerTombstone), 'bytes'],
    ['a connection, in PostgreSQL', round(costs.bytesPerConnection / 1e6), 'MB'],
    ['a Coatcheck', round(costs.bytesPerCoatcheck / 1e6), 'MB'],
  ]
}

/** One column for each number of sessions. */
export function renderNeeds(needs: readonly Need[], machine: Machine): string {
  const row = (name: string, of: (need: Need) => string) => [name, ...needs.map(of)]
  return renderTable([
    row('sessions', ({ sessions }) => sessions.toLocaleString('en')),
    row('GET a second', ({ rates }) => count(rates.gets)),
    row('PUT a second', ({ rates }) => count(rates.puts)),
    row('log-ins a second', ({ rates }) => count(rates.logIns)),
    row('CPU of Coatcheck, cores', ({ coatcheckCores }) => figure(coatcheckCores)),
    row('Coatchecks', ({ coatchecks }) => count(coatchecks)),
    row('their memory, GB', (need) => figure(need.coatcheckMemoryBytes / 1e9)),
    row(`connections, ${CONNECTIONS_EACH} each`, ({ connections }) => count(connections)),
    row('CPU of PostgreSQL, cores', ({ postgresCores }) => figure(postgresCores)),
    row('WAL, MB a second', ({ walBytesPerSecond }) => figure(walBytesPerSecond / 1e6)),
    row('of it whole pages', (need) => share(need.imageBytesPerSecond / need.walBytesPerSecond)),
    row('commits a second', ({ commitsPerSecond }) => count(commitsPerSecond)),
    row('pages a second', ({ pagesPerSecond }) => count(pagesPerSecond)),
    row('memory in use, GB', ({ memoryBytes }) => figure(memoryBytes / 1e9)),
    row('disk, GB', ({ diskBytes }) => figure(diskBytes / 1e9)),
    row('tightest', (need) => {
      const [tightest] = limitsOf(need, machine)
      return tightest === undefined ? '' : `${tightest.name}, ${share(tightest.share)}`
    }),
  ])
}

export function renderEnd({ sessions, limit }: ReturnType<typeof endOfPrimary>): string {
  const about = Number(sessions.toPrecision(2)).toLocaleString('en')
  return `Such a primary ends at about ${about} sessions. The first to end: ${limit}.\n`
}

/** As Prettier leaves it. */
export function renderTable(rows: Rows): string {
  const widths = (rows[0] ?? []).map((_, at) =>
    Math.max(3, ...rows.map((row) => row[at]?.length ?? 0)),
  )
  const pad = (row: readonly string[]) =>
    row.map((cell, at) =>
      at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0),
    )
  const rule = widths.map((width, at) =>
    at === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`,
  )
  const [titles = [], ...rest] = rows
  return [pad(titles), rule, ...rest.map(pad)].map((cells) => `| ${cells.join(' | ')} |\n`).join('')
}

function round(value: number): string {
  return value >= 10 || value === 0
    ? Math.round(value).toLocaleString('en')
    : Number(value.toPrecision(2)).toString()
}

function count(value: number): string {
  return Math.ceil(value).toLocaleString('en')
}

/** Two digits are more than the constants have. */
function figure(value: number): string {
  const rounded = Number(value.toPrecision(2))
  return rounded < 0.01 ? '< 0.01' : rounded.toLocaleString('en')
}

function share(value: number): string {
  return `${Math.round(value * 100)} %`
}
