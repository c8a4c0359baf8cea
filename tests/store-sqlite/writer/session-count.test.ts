import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { openWriterDatabase } from '../../../lib/store-sqlite/database/database.ts'
import { createSessionCount } from '../../../lib/store-sqlite/writer/session-count.ts'
import { makeSessionFile } from '../../kit/store/session-file.ts'

const test = suite('session count')

test('what another program has ended is noticed, and counting has its part of the time alone', () => {
  const path = makeSessionFile(5)
  const database = openWriterDatabase(path, 'full')
  const other = openWriterDatabase(path, 'full')
  const told: number[] = []
  const counts = { set: (_name: string, value: number) => void told.push(value) }
  let now = 0
  // Each look at the clock takes a millisecond, so that a count takes one, too.
  const { keep } = createSessionCount(database, counts, () => now++)
  assert.equal(told, [5])
  keep()
  assert.equal(told, [5])

  const endOne = other.prepare(
    'delete from sessions where number = (select min(number) from sessions)',
  )
  endOne.run()
  keep()
  assert.equal(told, [5], 'too soon')
  now += 100
  keep()
  assert.equal(told, [5, 4])
  endOne.run()
  keep()
  now += 100
  keep()
  keep()
  assert.equal(told, [5, 4, 3])
  other.close()
  database.close()
})

test.run()
