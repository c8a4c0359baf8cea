import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createRecentActivity } from '../../lib/session/recent-activity.ts'
import { HOUR, MINUTE } from '../kit/store/limits.ts'

const test = suite('recent activity')

const START = Date.UTC(2026, 0, 1)
/** As many apps as have a place. */
const PLACES = 16

test('since is the start of the minute that began so long ago, and never before the start', () => {
  const recent = createRecentActivity(START + 10_000)
  const sinceAt = (now: number, withinMs: number) => recent.count(undefined, withinMs, now)?.since
  assert.is(sinceAt(START + 10_000, MINUTE), START + 10_000)
  assert.is(sinceAt(START + 80_000, MINUTE), START + 10_000)
  assert.is(sinceAt(START + 4 * MINUTE + 5_000, 2 * MINUTE), START + 2 * MINUTE)
  // A clock that was set back.
  assert.is(sinceAt(START - HOUR, MINUTE), START - HOUR)
})

test('activity that is told late counts in its own minute, and not at all after an hour', () => {
  const recent = createRecentActivity(START)
  const now = START + 2 * HOUR
  recent.note({ id: 'late' }, now - 10 * MINUTE, now)
  recent.note({ id: 'too late' }, now - 61 * MINUTE, now)
  recent.note({ id: 'far too late' }, START, now)
  assert.is(recent.count(undefined, 9 * MINUTE, now)?.sessions, 0)
  assert.is(recent.count(undefined, 10 * MINUTE, now)?.sessions, 1)
  assert.is(recent.count(undefined, HOUR, now)?.sessions, 1)
})

test('what is told late does not take the place of a later minute', () => {
  const recent = createRecentActivity(START)
  const now = START + 3 * HOUR
  recent.note({ id: 'now' }, now, now)
  recent.note({ id: 'in the same place' }, now - 61 * MINUTE, now)
  assert.is(recent.count(undefined, MINUTE, now)?.sessions, 1)
})

test('activity that seems to be still to come counts now', () => {
  const recent = createRecentActivity(START)
  recent.note({ id: 'one' }, START + HOUR, START)
  assert.is(recent.count(undefined, MINUTE, START)?.sessions, 1)
})

test('a session whose claims are not at hand counts without its user', () => {
  const recent = createRecentActivity(START)
  recent.note({ id: 'one' }, START, START)
  recent.note({ id: 'two', claims: '{"sub":"ada"}' }, START, START)
  const { sessions, users } = recent.count(undefined, MINUTE, START) ?? {}
  assert.equal([sessions, users], [2, 1])
})

test('users of two apps are two, whatever their names are', () => {
  const recent = createRecentActivity(START)
  const subs = [
    ['one', 'b~ada'],
    ['b~one', 'ada'],
    ['a~one', 'b~ada'],
    ['a-b~one', 'ada'],
  ]
  for (const [id = '', sub] of subs) {
    recent.note({ id, claims: JSON.stringify({ sub }) }, START, START)
  }
  assert.is(recent.count(undefined, MINUTE, START)?.users, 4)
})

test('an app that has no place is not counted, until one that was idle for an hour leaves its own', () => {
  const recent = createRecentActivity(START)
  let now = START
  const use = (app: string): void => recent.note({ id: `${app}~session` }, now, now)
  const countOf = (app: string) => recent.count(app, 5 * MINUTE, now)
  for (let n = 0; n < PLACES; n++) use(`app-${n}`)
  assert.is(countOf('late')?.sessions, 0)
  use('late')
  assert.is(countOf('late'), undefined)
  assert.is(countOf('app-0')?.sessions, 1)
  // Another one, of which none was passed over, cannot be told from it.
  assert.is(countOf('never-used'), undefined)

  now = START + 30 * MINUTE
  for (let n = 1; n < PLACES; n++) use(`app-${n}`)
  assert.is(countOf('late')?.sessions, 0)
  now = START + 61 * MINUTE
  use('late')
  assert.is(countOf('late')?.sessions, 1)
  assert.is(countOf('app-0')?.sessions, 0)
  use('later')
  assert.is(countOf('later'), undefined)
})

test('an app that gets a place after it was passed over says since when it is counted', () => {
  const recent = createRecentActivity(START)
  for (let n = 0; n < PLACES; n++) recent.note({ id: `app-${n}~session` }, START, START)
  const passedOver = START + 60 * MINUTE + 30_000
  recent.note({ id: 'late~session' }, passedOver, passedOver)
  const now = START + 61 * MINUTE
  recent.note({ id: 'late~session' }, now, now)
  assert.is(recent.count('late', HOUR, now)?.since, passedOver)
})

test.run()
