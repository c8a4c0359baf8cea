/** A session that time has ended, beside a write that came in time and is on its way to the writer. */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Operation } from '../../lib/session/operations.ts'
import { codeOf } from '../kit/runner/code-of.ts'
import { openLateStore, reasonOf } from '../kit/store/late-store.ts'
import { DAY } from '../kit/store/limits.ts'
import { sessionAt } from '../kit/store/session-at.ts'

const test = suite('death beside a write on its way')

test('a session is not found dead while a write that came in time is on its way', async () => {
  for (const isWriterBusy of [true, false]) {
    const { store, clock, holdAnswers, answer } = openLateStore()
    const { id, idleTimeoutMs } = sessionAt(clock.now())
    await store.insert(sessionAt(clock.now()))
    holdAnswers()
    if (isWriterBusy) {
      void store.insert(sessionAt(clock.now(), { id: 'another' }))
      await nextTurn()
    }

    const late = clock.now() + idleTimeoutMs - 1
    const writing = store.change(id, late, { name: 'set', key: 'a', value: '1' })
    const finding = reasonOf(store, id, late + 1)
    answer()
    assert.is(await finding, 'live')
    assert.is((await writing).state, 'live')
    assert.is(await reasonOf(store, id, late + idleTimeoutMs), 'idle_timeout')
  }
})

/** What makes a session live longer than its lifetime was, and the new lifetime where there is one. */
const LENGTHENED: Readonly<Record<string, Operation>> = {
  'the flag': { name: 'update', permanent: true },
  'a lifetime': { name: 'update', lifetimeMs: 2 * DAY },
  'a whole session': {
    ...{ name: 'replace', data: '{}', claims: '{}', permanent: false },
    lifetimeMs: 2 * DAY,
  },
}

for (const [what, operation] of Object.entries(LENGTHENED)) {
  for (const keepEndedMs of [DAY, 0]) {
    test(`a lifetime is not over while ${what} that lengthens it is on its way (${keepEndedMs})`, async () => {
      const { store, clock, holdAnswers, answer } = openLateStore({}, keepEndedMs)
      const session = sessionAt(clock.now(), { idleTimeoutMs: DAY })
      const { id, lifetimeMs } = session
      await store.insert(session)
      await store.find(id, clock.now())
      holdAnswers()
      const late = clock.now() + lifetimeMs - 1
      const writing = store.change(id, late, operation)
      const finding = reasonOf(store, id, late + 1)
      answer()
      assert.is(await finding, 'live')
      assert.is((await writing).state, 'live')
      assert.is(await reasonOf(store, id, late + 1), 'live')
    })
  }
}

test('a lifetime is over where the write that would lengthen it is refused or shortens it', async () => {
  for (const operation of [
    { name: 'pop', key: 'none' },
    { name: 'update', lifetimeMs: 1 },
    { name: 'set', key: 'a', value: '1' },
  ] as const) {
    const { store, clock } = openLateStore()
    const session = sessionAt(clock.now(), { idleTimeoutMs: DAY })
    await store.insert(session)
    const late = clock.now() + session.lifetimeMs - 1
    const writing = store.change(session.id, late, operation).catch(codeOf)
    assert.is(await reasonOf(store, session.id, late + 1), 'lifetime')
    await writing
  }
})

test('who has ended by a log-out is told at once, whatever waits', async () => {
  const { store, clock, holdAnswers, answer } = openLateStore()
  await store.insert(sessionAt(clock.now()))
  await store.end(sessionAt(clock.now()).id, clock.now(), 'logout')
  holdAnswers()
  const waiting = store.insert(sessionAt(clock.now(), { id: 'another' }))
  const ids = [sessionAt(clock.now()).id, 'unknown']
  const found = ids.map((id) => store.find(id, clock.now()))
  assert.equal(
    found.map((one) => !(one instanceof Promise) && one.state),
    ['ended', 'absent'],
  )
  answer()
  await waiting
})

test('a session is found dead where the write that came in time is refused', async () => {
  const { store, clock } = openLateStore()
  const { id, idleTimeoutMs } = sessionAt(clock.now())
  await store.insert(sessionAt(clock.now()))
  const late = clock.now() + idleTimeoutMs - 1
  const refused = store.change(id, late, { name: 'pop', key: 'none' }).catch(codeOf)
  assert.is(await reasonOf(store, id, late + 1), 'idle_timeout')
  assert.is(await refused, 'key_not_found')
})

test.run()
