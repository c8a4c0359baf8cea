/** The arithmetic of the fleet, on costs that are easy to reckon with. */
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type Cost, costOfOne, type Costs, type Levels, NOTHING } from './costs.ts'
import {
  type Behaviour,
  distinct,
  endOfPrimary,
  limitsOf,
  type Machine,
  needOf,
  ORDINARY,
  ratesOf,
  SERVER,
  underWay,
} from './fleet.ts'
import { FleetOptionsError, readFleetOptions, renderFleetHelp } from './fleet-options.ts'
import { MEASURED } from './measured.ts'
import { readExactCpuUs, readOwnBytes } from '../machine/process-usage.ts'
import { renderNeeds, renderTable } from './render.ts'

const test = suite('bench: fleet')

/** Nobody comes, nobody goes, and all of it costs nothing but what a test says. */
const FREE: Levels = [{ together: 1, ...NOTHING }]
const COSTS: Costs = {
  httpUs: 0,
  find: FREE,
  change: FREE,
  insert: FREE,
  insertLimited: FREE,
  end: FREE,
  touch: FREE,
  expire: FREE,
  forget: FREE,
  pageImage: { postgresUs: 0, walBytes: 0 },
  vacuumUs: 0,
  idleSecond: NOTHING,
  tableBytesPerSession: 1_000,
  indexBytesPerSession: 0,
  bytesPerTombstone: 0,
  bytesPerConnection: 0,
  bytesPerCoatcheck: 0,
}
/** Of a million, 10,000 are there, each asks once a second, one time in ten to write. */
const CALM: Behaviour = {
  inUseShare: 0.01,
  secondsBetweenRequests: 1,
  writeShare: 0.1,
  visitSeconds: 1_000,
  lifeHours: 100,
  peak: 1,
  logOutShare: 0.5,
  keepEndedHours: 0,
  isLimited: false,
}
const MACHINE: Machine = { ...SERVER, usableShare: 1 }
const MILLION = 1e6

const cost = (coatcheckUs: number, postgresUs: number, walBytes: number): Cost => ({
  coatcheckUs,
  postgresUs,
  walBytes,
})
const rows = (one: Cost): Levels => [{ together: 1, ...one }]
const need = (costs: Partial<Costs>, behaviour = CALM, machine = MACHINE, sessions = MILLION) =>
  needOf(sessions, behaviour, machine, { ...COSTS, ...costs })

for (const [args, expected] of [
  [['--cores', 'many'], '--cores must be a number above 0, got "many"'],
  [['--wal', '0'], '--wal must be a number above 0, got "0"'],
  [['1e6', 'all'], 'SESSIONS must be a number above 0, got "all"'],
  [['--core', '1'], "Unknown option '--core'"],
] as const) {
  test(`the options ${args.join(' ')} are refused with what was expected`, () => {
    assert.throws(
      () => readFleetOptions(args),
      (error: unknown) => error instanceof FleetOptionsError && error.message.includes(expected),
    )
  })
}

test('options have the units of the help, and what is not given is as it says', () => {
  const args = ['--in-use', '5', '--memory', '64', '--limited', '1e6']
  const options = readFleetOptions(args)
  assert.equal(options?.sessions, [1e6])
  assert.equal(options?.behaviour, { ...ORDINARY, inUseShare: 0.05, isLimited: true })
  assert.equal(options?.machine, { ...SERVER, memoryBytes: 64e9 })
  assert.match(renderFleetHelp(), /--in-use N +percent of the sessions that are used at once \(2\)/)
})

test('between two levels a part of the cost is shared by more and more, beyond them it stays', () => {
  const levels = [
    { together: 1, ...cost(100, 200, 300) },
    { together: 16, ...cost(25, 50, 75) },
    { together: 64, ...cost(10, 20, 30) },
  ]
  const at = (together: number) => {
    const { coatcheckUs, postgresUs, walBytes } = costOfOne(levels, together)
    return [coatcheckUs, postgresUs, walBytes].map((value) => Math.round(value * 1e6) / 1e6)
  }
  assert.equal(at(1), [100, 200, 300])
  // 80 shared by 4, and 20.
  assert.equal(at(4), [40, 80, 120])
  assert.equal(at(16), [25, 50, 75])
  // 320 shared by 32, and 5.
  assert.equal(at(32), [15, 30, 45])
  assert.equal(at(1_000), [10, 20, 30])
})

test('rates follow from the sessions and from how they are used', () => {
  const { gets, puts, touches, logIns, logOuts, expiries } = ratesOf(3.6e6, CALM)
  assert.equal([gets, puts, touches].map(Math.round), [32_400, 3_600, 32_400])
  assert.equal([logIns, logOuts, expiries], [10, 5, 5])
})

test('as many are under way as come while one is, one at least and no more than a statement takes', () => {
  assert.is(underWay(2_000, 5, 500), 10)
  assert.is(underWay(1, 5, 500), 1)
  assert.is(underWay(1e9, 5, 500), 500)
})

test('more Coatchecks share less, so they cost more together', () => {
  const find = [
    { together: 1, ...cost(100, 100, 0) },
    { together: 64, ...cost(10, 10, 0) },
  ]
  const few = need({ find }, CALM, { ...MACHINE, readMs: 5 })
  const many = need({ find, httpUs: 1_000 }, CALM, { ...MACHINE, readMs: 5 })
  assert.ok(many.coatchecks > few.coatchecks)
  assert.ok(many.postgresCores > few.postgresCores)
})

test('few throws hit a box each, many hit all boxes and no more', () => {
  assert.ok(Math.abs(distinct(10, 1e6) - 10) < 0.001)
  assert.ok(Math.abs(distinct(1e9, 1_000) - 1_000) < 0.001)
  assert.is(distinct(10, 0), 0)
})

test('CPU is that of each request, of its look-up and of its activity', () => {
  const { coatcheckCores, postgresCores } = need({
    httpUs: 10,
    find: rows(cost(20, 30, 0)),
    change: rows(cost(40, 60, 0)),
    touch: rows(cost(5, 10, 0)),
  })
  const logIns = MILLION / 360_000
  const expectedUs = (10_000 + 1.5 * logIns) * 10 + 9_000 * (20 + 5) + 1_000 * 40
  assert.ok(Math.abs(coatcheckCores * 1e6 - expectedUs) < 1)
  assert.ok(Math.abs(postgresCores * 1e6 - (9_000 * (30 + 10) + 1_000 * 60)) < 1)
})

test('there are as many Coatchecks as keep each below six tenths of a core, and two at least', () => {
  assert.is(need({}).coatchecks, 2)
  // 9,000 touches of 1,000 µs: nine cores.
  const busy = need({ touch: rows(cost(1_000, 0, 0)) })
  assert.is(busy.coatchecks, 15)
  assert.is(busy.connections, 60)
})

test('a process at rest costs, however many there are', () => {
  const { postgresCores, walBytesPerSecond } = need({ idleSecond: cost(0, 1_000, 500) })
  assert.is(postgresCores, 0.002)
  assert.is(walBytesPerSecond, 1_000)
})

test('a limit of sessions makes log-ins as dear as those that take locks', () => {
  const costs = { insert: rows(cost(0, 10, 0)), insertLimited: rows(cost(0, 100, 0)) }
  const { postgresCores: limited } = need(costs, { ...CALM, isLimited: true })
  assert.ok(Math.abs(limited / need(costs).postgresCores - 10) < 1e-9)
})

test('whole pages come into the WAL once between checkpoints, however often they are written', () => {
  const image = { postgresUs: 0, walBytes: 8_192 }
  const { imageBytesPerSecond, walBytesPerSecond } = need({ pageImage: image })
  assert.is(walBytesPerSecond, imageBytesPerSecond)
  const often = need({ pageImage: image }, { ...CALM, secondsBetweenRequests: 0.1 })
  assert.is(often.imageBytesPerSecond, imageBytesPerSecond)
  const seldom = need({ pageImage: image }, CALM, { ...MACHINE, checkpointSeconds: 3_000 })
  assert.ok(seldom.imageBytesPerSecond < imageBytesPerSecond / 3)
})

test('no more pages are written than there are', () => {
  const { pagesPerSecond } = need({}, { ...CALM, inUseShare: 1, visitSeconds: 1 })
  const pages = (MILLION * 1_000) / 8_192
  assert.ok(pagesPerSecond <= pages / MACHINE.checkpointSeconds + 1e-6)
})

test('who comes after a while is read from the disk as far as memory does not hold all', () => {
  const small = { ...MACHINE, memoryBytes: MILLION * 500 }
  // Ten a second arrive, half of the data is out of memory, two pages each.
  const extra = need({}, CALM, small).pagesPerSecond - need({}).pagesPerSecond
  assert.ok(Math.abs(extra - 10) < 1e-6)
})

test('the disk holds sessions, tombstones and the WAL of two checkpoints', () => {
  const { diskBytes } = need(
    { indexBytesPerSession: 500, bytesPerTombstone: 100, idleSecond: cost(0, 0, 1_000) },
    { ...CALM, keepEndedHours: 50 },
  )
  assert.is(diskBytes, MILLION * 1_500 + (MILLION / 2) * 100 + 2 * 1_000 * 2 * 300)
})

test('limits are shares of what may be used, the tightest first', () => {
  const usual = need({ touch: rows(cost(0, 800, 0)) })
  const [tightest] = limitsOf(usual, { ...MACHINE, usableShare: 0.5 })
  assert.is(tightest?.name, 'CPU of PostgreSQL')
  assert.ok(Math.abs((tightest?.share ?? 0) - 0.9) < 0.001)
})

test('a primary ends where its first limit is reached', () => {
  // 7.2 cores a million, of 16.
  const touch = rows(cost(0, 800, 0))
  const end = endOfPrimary(CALM, MACHINE, { ...COSTS, touch })
  assert.is(end.limit, 'CPU of PostgreSQL')
  assert.ok(Math.abs(end.sessions / ((16 / 7.2) * MILLION) - 1) < 0.01)
  const disk = endOfPrimary(CALM, { ...MACHINE, diskBytes: 1e9 }, COSTS)
  assert.is(disk.limit, 'disk')
  assert.ok(Math.abs(disk.sessions / MILLION - 1) < 0.01)
})

test('by the costs that were measured, ten times the sessions never need less', () => {
  const needs = [1e4, 1e5, 1e6, 1e7, 1e8].map((n) => needOf(n, ORDINARY, SERVER, MEASURED))
  for (const [at, after] of needs.slice(1).entries()) {
    const before = needs[at]
    assert.ok(before !== undefined)
    for (const key of [
      'coatcheckCores',
      'postgresCores',
      'walBytesPerSecond',
      'diskBytes',
    ] as const) {
      assert.ok(after[key] > (before?.[key] ?? Infinity), key)
    }
  }
})

test('a table has a column for each number of sessions, and is as Prettier leaves it', () => {
  const lines = renderNeeds([need({}), need({}, CALM, MACHINE, 2e6)], MACHINE).split('\n')
  assert.match(lines[0] ?? '', /^\| sessions +\| +1,000,000 \| +2,000,000 \|$/)
  assert.match(lines.find((line) => line.startsWith('| Coatchecks')) ?? '', /\| +2 \| +2 \|$/)
  assert.is(
    renderTable([
      ['a', 'b'],
      ['cdef', '12'],
    ]),
    '| a    |   b |\n| ---- | --: |\n| cdef |  12 |\n',
  )
})

test('the CPU and the memory of a process are read exactly', () => {
  const before = readExactCpuUs([process.pid])
  const own = process.threadCpuUsage()
  while (process.threadCpuUsage(own).user < 20_000);
  const burnt = readExactCpuUs([process.pid]) - before
  assert.ok(burnt > 15_000 && burnt < 1e6, `${burnt} µs`)
  const { rss } = process.memoryUsage()
  const bytes = readOwnBytes(process.pid)
  assert.ok(bytes > 1e6 && bytes < rss * 1.2, `${bytes} bytes`)
})

test.run()
