import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createDatabaseClock } from '../../lib/store-postgres/database-clock.ts'
import { createFakeClock } from '../kit/clock/fake-clock.ts'

const test = suite('the database’s clock')

/** A database that is ahead by as much as is said, and takes so long to say what time it is. */
function openClock() {
  const clock = createFakeClock()
  const database = { aheadMs: 0, tookMs: 0 }
  let elapsedMs = 0
  const ask = async () => {
    const at = clock.now() + database.aheadMs + database.tookMs / 2
    clock.advance(database.tookMs)
    elapsedMs += database.tookMs
    return { rows: [[at]], count: 1, command: 'SELECT', server: 'one' }
  }
  return { clock, database, databaseClock: createDatabaseClock(clock, { ask }, () => elapsedMs) }
}

test('it is as far ahead as the database said, however long the first answer took', async () => {
  const { clock, database, databaseClock } = openClock()
  database.aheadMs = 3_600_000
  database.tookMs = 400
  await databaseClock.measure()
  assert.is(databaseClock.offsetMs(), 3_600_000)
  assert.is(databaseClock.now(), clock.now() + 3_600_000)
})

test('an answer that took long changes nothing where a better one is known', async () => {
  const { database, databaseClock } = openClock()
  database.aheadMs = 1_000
  database.tookMs = 2
  await databaseClock.measure()
  const before = databaseClock.offsetMs()
  database.aheadMs = 1_300
  database.tookMs = 900
  await databaseClock.measure()
  assert.is(databaseClock.offsetMs(), before)
})

test('an answer that took long counts where it tells more than it leaves open', async () => {
  const { database, databaseClock } = openClock()
  database.tookMs = 2
  await databaseClock.measure()
  database.aheadMs = 60_000
  database.tookMs = 900
  await databaseClock.measure()
  assert.is(databaseClock.offsetMs(), 60_000)
})

test('it does not go back', async () => {
  const { clock, database, databaseClock } = openClock()
  database.aheadMs = 5_000
  await databaseClock.measure()
  const before = databaseClock.now()
  database.aheadMs = 0
  await databaseClock.measure()
  clock.advance(1_000)
  assert.is(databaseClock.now(), before)
  clock.advance(5_000)
  assert.is(databaseClock.now(), before + 1_000)
})

test.run()
