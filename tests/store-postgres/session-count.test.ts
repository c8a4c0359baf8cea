import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createSessionCount } from '../../lib/store-postgres/reads/session-count.ts'

const test = suite('how many sessions the database has')

const PIECE = 10

/** A database of so many sessions, of which each piece takes a second to count, when it is told to. */
function openDatabase(sessions: number, estimate: number) {
  const database = { sessions, elapsedMs: 0, pieces: 0, isHeld: false }
  const figures: number[] = []
  let release = () => {}

  async function countPiece(_: unknown, __: number, after: number) {
    database.pieces++
    if (database.isHeld) await new Promise<void>((resolve) => (release = resolve))
    database.elapsedMs += 1_000
    const all = Math.min(PIECE, database.sessions - after)
    return { live: all, all, next: all < PIECE ? undefined : after + all }
  }
  async function count() {
    let all = 0
    let next: number | undefined = 0
    while (next !== undefined) {
      const piece: Awaited<ReturnType<typeof countPiece>> = await countPiece(undefined, 0, next)
      all += piece.all
      next = piece.next
    }
    return { live: all, all }
  }
  const ask = async () => ({ rows: [[estimate]], count: 1, command: 'SELECT', server: 'one' })
  const sessionCount = createSessionCount({
    lists: { count, countPiece },
    reads: { ask },
    now: () => 0,
    elapsedMs: () => database.elapsedMs,
    set: (count) => void figures.push(count),
  })
  return { database, figures, sessionCount, release: () => release() }
}

test('few are counted before the store is open', async () => {
  const { figures, sessionCount } = openDatabase(PIECE - 1, -1)
  await sessionCount.begin()
  assert.equal(figures, [PIECE - 1])
})

test('many hold no start up: there is an estimate until all are counted', async () => {
  const { database, figures, sessionCount, release } = openDatabase(35, 31)
  const begun = sessionCount.begin()
  database.isHeld = true
  await begun
  assert.equal(figures, [31])
  while (figures.length === 1) {
    release()
    await new Promise(setImmediate)
  }
  assert.equal(figures, [31, 35])
})

test('where the database never looked, it is at least as many as were counted', async () => {
  const { database, figures, sessionCount } = openDatabase(35, -1)
  const begun = sessionCount.begin()
  database.isHeld = true
  await begun
  assert.equal(figures, [PIECE])
})

test('counting takes one in a hundred of the time at most', async () => {
  const { database, figures, sessionCount } = openDatabase(35, 31)
  await sessionCount.again()
  assert.equal(figures, [35])
  database.elapsedMs += 399_000
  await sessionCount.again()
  assert.equal(figures, [35])
  database.sessions = 36
  database.elapsedMs += 1_000
  await sessionCount.again()
  assert.equal(figures, [35, 36])
})

test.run()
