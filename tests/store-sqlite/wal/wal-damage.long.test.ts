/** A write-ahead log that is damaged between a crash and the next start: no transaction is undone. */
import { createHash } from 'node:crypto'
import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type Database from 'better-sqlite3'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import {
  createFile,
  openReaderDatabase,
  openWriterDatabase,
  prepareDatabase,
} from '../../../lib/store-sqlite/database/database.ts'
import { StorageError } from '../../../lib/store-sqlite/database/storage-error.ts'
import { manageWal } from '../../../lib/store-sqlite/wal/wal.ts'
import { createWriter } from '../../../lib/store-sqlite/writer/writer.ts'
import { DAY, LIMITS } from '../../kit/store/limits.ts'
import { idOf } from '../../kit/store/session-file.ts'
import { makeFolder } from '../../kit/process/spawn-server.ts'
import { createRandom } from '../../torture/engine/random.ts'

const test = suite('log damage')

const PAGE = 4_096
const HEADER = 32
const FRAME = 24 + PAGE
const SECTOR = 512
const NOW = 1_700_000_000_000

test('a log as a crash leaves it is taken whole; cut off anywhere, up to its last whole transaction', () => {
  const crashed = crash()
  const { log, ends, states } = crashed
  for (const length of [
    log.length,
    log.length - 1,
    ...ends.map((end) => HEADER + end * FRAME + 9),
  ]) {
    const whole = ends.findLastIndex((end) => HEADER + end * FRAME <= length)
    assert.is(stateAfter(crashed, log.subarray(0, length)), states[whole], `cut at ${length}`)
  }
})

test('a flipped bit in any part of any frame is refused; of the last transaction it is undone', () => {
  const crashed = crash()
  const { log, ends, states } = crashed
  const random = createRandom(1)
  const last = ends.at(-2) ?? 0
  for (let frame = 0; frame < (ends.at(-1) ?? 0); frame++) {
    const start = HEADER + frame * FRAME
    for (const at of [0, 3, 4, 7, 8, 15, 16, 23, 24, 24 + random.below(PAGE), FRAME - 1]) {
      const bit = random.below(8)
      const outcome = stateAfter(crashed, flip(log, start + at, bit))
      // Of the last one, too, where a frame seems to be the end of a transaction that is none.
      if (outcome === 'refused' && at >= 4 && at < 8) continue
      const expected = frame < last ? 'refused' : states.at(-2)
      assert.is(outcome, expected, `bit ${bit} of byte ${at} of frame ${frame}`)
    }
  }
})

test('each bit of the head of the last frame but one transaction tells that it is damaged', () => {
  const crashed = crash()
  const { log, ends } = crashed
  const start = HEADER + ((ends.at(-2) ?? 0) - 1) * FRAME
  for (let bit = 0; bit < 24 * 8; bit++) {
    const outcome = stateAfter(crashed, flip(log, start + (bit >> 3), bit & 7))
    assert.is(outcome, 'refused', `bit ${bit}`)
  }
})

test('a page of zeros in the log is refused, but where nothing of a later transaction is left', () => {
  const crashed = crash()
  const { log, ends, states } = crashed
  const outcomes = new Set<string>()
  for (let at = 0; at < log.length; at += PAGE) {
    const zeroed = Buffer.from(log).fill(0, at, Math.min(at + PAGE, log.length))
    const outcome = stateAfter(crashed, zeroed)
    if (outcome === 'refused') continue
    outcomes.add(outcome)
    // The head of the frame that ended a transaction is gone, and so is what comes before it.
    const before = ends.findLastIndex((end) => HEADER + end * FRAME <= at)
    assert.is(outcome, states[before], `zeros at ${at}`)
    assert.ok(before >= ends.length - 3, `zeros at ${at} undo more than two transactions`)
  }
  assert.ok(outcomes.has(states.at(-2) ?? ''))
})

test('a frame in the place of another is refused; from the end of the last but one on it undoes', () => {
  const crashed = crash()
  const { log, ends, states } = crashed
  const count = ends.at(-1) ?? 0
  const random = createRandom(3)
  for (let to = 0; to < count; to++) {
    const from = random.below(count)
    if (from === to) continue
    const damaged = Buffer.from(log)
    log.copy(damaged, HEADER + to * FRAME, HEADER + from * FRAME, HEADER + (from + 1) * FRAME)
    // Of the end of a transaction nothing is left: it may all have been one with the last.
    const taken = ends.findLastIndex((end) => end <= to)
    const expected = to < (ends.at(-2) ?? 0) - 1 ? ['refused'] : ['refused', states[taken]]
    assert.ok(expected.includes(stateAfter(crashed, damaged)), `frame ${from} over ${to}`)
  }
  for (const from of ends) {
    const behind = log.subarray(HEADER + (from - 1) * FRAME, HEADER + from * FRAME)
    assert.is(stateAfter(crashed, Buffer.concat([log, behind])), states.at(-1))
  }
})

test('a flipped bit in the header is refused; where all of the log is in the file, it loses nothing', () => {
  const crashed = crash()
  for (let at = 0; at < HEADER; at++) {
    const outcome = stateAfter(crashed, flip(crashed.log, at, at & 7))
    assert.is(outcome, 'refused', `byte ${at}`)
  }
  const moved = crash({ move: true })
  for (const damaged of [flip(moved.log, 17, 3), Buffer.from(moved.log).fill(0, 0, HEADER)]) {
    assert.is(stateAfter(moved, damaged), moved.states.at(-1))
  }
})

test('of a log that is in the file already no transaction is undone in part', () => {
  for (const transactions of [4, 5, 6, 7, 8]) {
    const moved = crash({ transactions, move: true })
    const { log, ends, states } = moved
    for (let frame = ends.at(-2) ?? 0; frame < (ends.at(-1) ?? 0); frame++) {
      for (const at of [10, 24 + 2_000]) {
        const outcome = stateAfter(moved, flip(log, HEADER + frame * FRAME + at, 2))
        const allowed = ['refused', states.at(-2), states.at(-1)]
        assert.ok(allowed.includes(outcome), `frame ${frame} of ${transactions}: ${outcome}`)
      }
    }
  }
})

test('a damaged log that is in the file already is refused in any mode, and can be moved away', () => {
  const moved = crash({ move: true })
  const { path, data, log, ends, states } = moved
  for (const frame of [2, ends[4] ?? 0, (ends.at(-1) ?? 0) - 1]) {
    place(path, data, flip(log, HEADER + frame * FRAME + 2_000, 2))
    const refused = thrownBy(() => prepareDatabase(path, { durability: 'relaxed' }))
    assert.match(refused, /is in the file already: move .*-wal away/, `frame ${frame}`)
    rmSync(`${path}-wal`)
    prepareDatabase(path)
    assert.is(stateIn(path), states.at(-1))
  }
})

test('a frame of page 0, which no database has, behind a broken one is refused', () => {
  const moved = crash({ move: true })
  const { log, ends } = moved
  for (let frame = 3; frame < (ends.at(-1) ?? 0); frame++) {
    const damaged = flip(log, HEADER + 2 * FRAME + 2_000, 2)
    damaged.writeUInt32BE(0, HEADER + frame * FRAME)
    assert.is(stateAfter(moved, damaged), 'refused', `frame ${frame}`)
  }
})

test('what is left behind a log that was begun anew is no damage', () => {
  const { log: old } = crash()
  for (const transactions of [1, 2, 3, 4, 5, 6]) {
    const moved = crash({ transactions, move: true })
    // Each of its frames in turn comes next.
    for (let first = 0; first < 30; first++) {
      const behind = old.subarray(HEADER + first * FRAME)
      assert.is(stateAfter(moved, Buffer.concat([moved.log, behind])), moved.states.at(-1))
    }
  }
  const crashed = crash({ transactions: 4 })
  const { log, ends, states } = crashed
  const both = Buffer.concat([log, old.subarray(log.length)])
  assert.is(stateAfter(crashed, both), states.at(-1))
  const lastFrame = HEADER + (ends.at(-2) ?? 0) * FRAME
  assert.is(stateAfter(crashed, flip(both, lastFrame + 100, 0)), states.at(-2))
  assert.is(stateAfter(crashed, flip(both, HEADER + 100, 0)), 'refused')
})

test('a last transaction of which some sectors are on disk is no damage', () => {
  const { log: old } = crash({ transactions: 14 })
  const crashed = crash()
  const { log, ends, states } = crashed
  const random = createRandom(5)
  const start = HEADER + (ends.at(-2) ?? 0) * FRAME
  for (const behind of [Buffer.alloc(log.length), old]) {
    for (let round = 0; round < 40; round++) {
      const torn = Buffer.from(log)
      for (let at = start - (start % SECTOR); at < log.length; at += SECTOR) {
        const from = Math.max(at, start)
        if (random.oneIn(2)) torn.fill(0, from, Math.min(at + SECTOR, log.length))
        if (random.oneIn(2)) behind.copy(torn, from, from, Math.min(at + SECTOR, log.length))
      }
      const image = Buffer.concat([torn, behind.subarray(torn.length)])
      const outcome = stateAfter(crashed, image)
      assert.ok([states.at(-2), states.at(-1)].includes(outcome), `round ${round}: ${outcome}`)
    }
  }
})

test('the checksum is read in both orders of bytes', () => {
  const crashed = crash()
  const log = inOtherOrder(crashed.log)
  assert.is(stateAfter(crashed, log), crashed.states.at(-1))
  assert.is(stateAfter(crashed, flip(log, HEADER + 100, 1)), 'refused')
  assert.is(stateAfter(crashed, flip(log, 5, 1)), 'refused')
})

test('with relaxed durability a log with a hole is taken up to it, and what is dropped is said', () => {
  const { path, log, data, ends, states } = crash()
  place(path, data, flip(log, HEADER + (ends[2] ?? 0) * FRAME + 50, 0))
  const told: unknown[] = []
  prepareDatabase(path, { durability: 'relaxed', onWalDamage: (damage) => told.push(damage) })
  assert.is(stateIn(path), states[2])
  const [from = 0, end = 0] = [ends[2], ends.at(-1)]
  const dropped = { frames: end - from, transactions: ends.length - 3 }
  assert.equal(told, [{ from, ...dropped, isInFile: false }])
})

type Crashed = {
  readonly path: string
  readonly data: Buffer
  readonly log: Buffer
  /** How many frames there are after each transaction. */
  readonly ends: readonly number[]
  /** What the file holds after each. */
  readonly states: readonly string[]
}

/** A file and its log as a process leaves them that is killed; `move`: all of the log is in the file. */
function crash({ transactions = 12, move = false } = {}): Crashed {
  const path = join(makeFolder(), 'sessions.db')
  createFile(path)
  prepareDatabase(path)
  const database = openWriterDatabase(path, 'full')
  const log = manageWal(database)
  const writer = createWriter(database, LIMITS, DAY)
  const ends: number[] = []
  const states: string[] = []
  for (let n = 0; n < transactions; n++) {
    const id = idOf(n)
    const key = { id, secretHash: 'h'.repeat(43), createdAt: NOW, lastSeenAt: NOW, device: null }
    const limits = { idleTimeoutMs: DAY, lifetimeMs: DAY, ownIdleTimeout: false, ownLifetime: true }
    const rest = { claims: '{}', permanent: false, ...limits, version: 1 }
    const data = JSON.stringify({ n, text: 'x'.repeat((n % 5) * 1_500) })
    const end = { kind: 'end', id: idOf(n - 1), now: NOW, seenAt: 0, reason: 'logout' } as const
    writer.run([
      n % 4 === 3
        ? { ...end, when: undefined }
        : { kind: 'insert', session: { ...key, ...rest, data }, seenAt: 0 },
    ])
    ends.push((statSync(`${path}-wal`).size - HEADER) / FRAME)
    states.push(contentOf(database))
  }
  if (move) log.checkpoint('passive')
  const files = { data: readFileSync(path), log: readFileSync(`${path}-wal`) }
  database.close()
  return { path, ...files, ends, states }
}

/** What is in the file after a start with this log; `refused` where it is refused as damaged. */
function stateAfter({ path, data }: Crashed, log: Buffer): string {
  place(path, data, log)
  try {
    prepareDatabase(path)
  } catch (error) {
    if (!(error instanceof StorageError && error.fault === 'damaged')) throw error
    assert.match(error.message, `${path}-wal, is damaged`)
    assert.equal(readFileSync(`${path}-wal`), log)
    assert.equal(readFileSync(path), data)
    return 'refused'
  }
  return stateIn(path)
}

function thrownBy(run: () => void): string {
  try {
    run()
    return 'nothing was thrown'
  } catch (error) {
    return String(error)
  }
}

function place(path: string, data: Buffer, log: Buffer): void {
  rmSync(`${path}-shm`, { force: true })
  writeFileSync(path, data)
  writeFileSync(`${path}-wal`, log)
}

function stateIn(path: string): string {
  const database = openReaderDatabase(path)
  assert.is(database.pragma('integrity_check', { simple: true }), 'ok')
  const state = contentOf(database)
  database.close()
  return state
}

function contentOf(database: Database.Database): string {
  const rows = ['sessions', 'tombstones'].map((table) =>
    database.prepare(`select * from ${table} order by id`).all(),
  )
  return createHash('sha256').update(JSON.stringify(rows)).digest('hex').slice(0, 16)
}

function flip(bytes: Buffer, at: number, bit: number): Buffer {
  const damaged = Buffer.from(bytes)
  damaged.writeUInt8(damaged.readUInt8(at) ^ (1 << bit), at)
  return damaged
}

/** The same log as a machine of the other order would have written it. */
function inOtherOrder(log: Buffer): Buffer {
  const other = Buffer.from(log)
  other.writeUInt32BE(log.readUInt32BE(0) ^ 1, 0)
  let sum: readonly [number, number] = [0, 0]
  const add = (at: number, length: number) => {
    let [a, b] = sum
    for (let n = at; n < at + length; n += 8) {
      a = (a + other.readInt32BE(n) + b) | 0
      b = (b + other.readInt32BE(n + 4) + a) | 0
    }
    sum = [a, b]
  }
  const put = (at: number) => {
    other.writeInt32BE(sum[0], at)
    other.writeInt32BE(sum[1], at + 4)
  }
  add(0, 24)
  put(24)
  for (let at = HEADER; at < other.length; at += FRAME) {
    add(at, 8)
    add(at + 24, PAGE)
    put(at + 16)
  }
  return other
}

test.run()
