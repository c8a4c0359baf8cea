import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createReadGuard } from '../../lib/store-sqlite/database/sqlite-errors.ts'
import { openMemoryDatabase } from '../../lib/store-sqlite/database/database.ts'
import { createLookups } from '../../lib/store-sqlite/lookups.ts'
import { createHotSessions } from '../../lib/store-sqlite/memory.ts'
import { createTurns } from '../../lib/store-sqlite/turns.ts'
import { createReader } from '../../lib/store-sqlite/reader.ts'
import type { WriteRequest } from '../../lib/store-sqlite/writer/protocol.ts'
import { createWriter } from '../../lib/store-sqlite/writer/writer.ts'
import { DAY, HOUR, LIMITS } from '../kit/store/limits.ts'
import { sessionAt } from '../kit/store/session-at.ts'

const test = suite('counting')

const NOW = HOUR
const ALL = { app: undefined, sub: undefined }

test('a count lets everything else go first, as often as it takes long', async () => {
  const { insert, count } = openCounting()
  for (let n = 0; n < 100; n++) insert(`session-${n}`)
  let turns = 0
  let isCounting = true
  const turn = () => {
    turns++
    if (isCounting) setImmediate(turn)
  }
  setImmediate(turn)
  assert.is(await count(ALL, NOW), 100)
  isCounting = false
  assert.ok(turns >= 5, `${turns} turns`)
})

test('many counts at once hold up everything else no longer than one', async () => {
  const { insert, count, reader } = openCounting()
  for (let n = 0; n < 100; n++) insert(`session-${n}`)
  let most = 0
  let before = 0
  let isCounting = true
  const turn = () => {
    most = Math.max(most, reader.pieces() - before)
    before = reader.pieces()
    if (isCounting) setImmediate(turn)
  }
  setImmediate(turn)
  const counted = await Promise.all([1, 2, 3, 4, 5].map(() => count(ALL, NOW)))
  isCounting = false
  assert.equal(counted, [100, 100, 100, 100, 100])
  assert.is(most, 1)
})

test('who stays while others come, go and are renewed is counted once', async () => {
  const { insert, run, count } = openCounting()
  for (let n = 0; n < 100; n++) insert(`session-${n}`)
  let round = 0
  let isCounting = true
  const turn = () => {
    if (!isCounting) return
    round++
    // The first piece is yet to be counted.
    if (round === 1) return void setImmediate(turn)
    // Of those that were counted one goes, of those that were not one is renewed.
    run({ ...at(`session-${round}`), kind: 'end', reason: 'logout', when: undefined })
    const renewal = { id: `renewed-${round}`, secretHash: 'hash' }
    run({ ...at(`session-${100 - round}`), kind: 'change', operation: { name: 'renew', renewal } })
    setImmediate(turn)
  }
  setImmediate(turn)
  const counted = await count(ALL, NOW)
  isCounting = false
  assert.ok(round >= 4, `${round} rounds`)
  assert.is(counted, 100)
})

test('an app of few sessions is counted without a look at the many of another', async () => {
  const { insert, reader, count } = openCounting()
  for (let n = 0; n < 500; n++) insert(`many~session-${n}`)
  for (let n = 0; n < 10; n++) insert(`few~session-${n}`)
  for (let n = 0; n < 500; n++) insert(`many~later-${n}`)
  const before = reader.pieces()
  assert.is(await count({ app: 'few', sub: undefined }, NOW), 10)
  assert.is(reader.pieces() - before, 1)
  assert.is(await count({ app: 'many', sub: undefined }, NOW), 1_000)
})

/** Each piece takes longer than a count may hold up others. */
function openCounting() {
  const database = openMemoryDatabase()
  const writer = createWriter(database, LIMITS, DAY)
  const kept = createReader(database, DAY)
  let pieces = 0
  const reader = {
    ...kept,
    countAfter(...given: Parameters<typeof kept.countAfter>) {
      pieces++
      return kept.countAfter(...given)
    },
  }
  let elapsedMs = 0
  const { count } = createLookups({
    reader,
    guard: createReadGuard(),
    hot: createHotSessions(),
    queue: { isEmpty: () => true, allAnswered: async () => {}, sentAnswered: async () => {} },
    touches: { seenAt: () => 0 },
    elapsedMs: () => (elapsedMs += 100),
    takeTurn: createTurns(),
  })
  const run = (request: WriteRequest) => {
    const [outcome] = writer.run([request])
    assert.is(outcome?.ok, true)
  }
  const insert = (id: string) =>
    run({ kind: 'insert', seenAt: 0, session: sessionAt(NOW, { id, claims: '{"sub":"ada"}' }) })
  return { insert, run, count, reader: { pieces: () => pieces } }
}

function at(id: string) {
  return { id, now: NOW, seenAt: 0 }
}

test.run()
