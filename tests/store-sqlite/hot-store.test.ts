/** What the store shows from memory, beside writes that are about more sessions than one. */
import { setImmediate as nextTurn } from 'node:timers/promises'
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Operation } from '../../lib/session/operations.ts'
import type { Session } from '../../lib/session/session.ts'
import type { Store } from '../../lib/store/store.ts'
import { codeOf } from '../kit/runner/code-of.ts'
import type { FakeClock } from '../kit/clock/fake-clock.ts'
import { openLateStore, reasonOf } from '../kit/store/late-store.ts'
import { HOUR, MINUTE } from '../kit/store/limits.ts'
import { sessionAt } from '../kit/store/session-at.ts'

const test = suite('hot sessions beside writes about many')

const EVERYBODY = { app: undefined, sub: undefined, except: undefined }

test('a hot session that was evicted is ended from the answer on', async () => {
  const { store, clock, holdAnswers, answer, isHot } = openLateStore({ maxSessionsPerSub: 1 })
  await store.insert(adas('first', clock.now()))
  await store.find('first', clock.now())
  assert.is(isHot('first'), true)

  holdAnswers()
  const inserting = store.insert(adas('second', clock.now()))
  await nextTurn()
  // Looked for once more, between the commit and the answer to it.
  await store.find('first', clock.now())
  answer()
  assert.equal((await inserting).evicted, ['first'])
  assert.is(await reasonOf(store, 'first', clock.now()), 'evicted')
})

test('a hot session whose eviction was refused stays, and so does its data', async () => {
  const limits = { maxSessionsPerSub: 1, onSessionLimit: 'refuse' } as const
  const { store, clock } = openLateStore(limits)
  const first = adas('first', clock.now())
  await store.insert(first)
  await store.find('first', clock.now())
  const refused = await store.insert(adas('second', clock.now())).catch(codeOf)
  assert.is(refused, 'too_many_sessions')
  assert.equal(await store.find('first', clock.now()), { state: 'live', session: first })
})

test('a session found in the same turn as it is evicted does not stay hot', async () => {
  const { store, clock } = openLateStore({ maxSessionsPerSub: 1 })
  await store.insert(adas('first', clock.now()))
  const [found] = await Promise.all([
    store.find('first', clock.now()),
    store.insert(adas('second', clock.now())),
  ])
  assert.is(found.state, 'live')
  assert.is(await reasonOf(store, 'first', clock.now()), 'evicted')
})

test('a log-in takes the old id and those that it evicts out of what is hot', async () => {
  const { store, clock, holdAnswers, answer } = openLateStore({ maxSessionsPerSub: 1 })
  await store.insert(adas('laptop', clock.now()))
  await store.insert(sessionAt(clock.now(), { id: 'visitor' }))
  for (const id of ['laptop', 'visitor']) await store.find(id, clock.now())

  holdAnswers()
  const changing = store.change('visitor', clock.now(), logIn('ada', 'logged-in'))
  await nextTurn()
  for (const id of ['laptop', 'visitor']) await store.find(id, clock.now())
  answer()
  const changed = await changing
  assert.equal(changed.state === 'live' && changed.evicted, ['laptop'])
  assert.is(await reasonOf(store, 'laptop', clock.now()), 'evicted')
  assert.is(await reasonOf(store, 'visitor', clock.now()), 'renewed')
  assert.is(await reasonOf(store, 'logged-in', clock.now()), 'live')
})

test('hot sessions that ended together are ended from the answer on, the others stay', async () => {
  const { store, clock, holdAnswers, answer } = openLateStore()
  const ids = ['one', 'two', 'here', 'other']
  for (const id of ids.slice(0, 3)) await store.insert(adas(id, clock.now()))
  await store.insert(sessionAt(clock.now(), { id: 'other' }))
  for (const id of ids) await store.find(id, clock.now())

  holdAnswers()
  const ending = store.endMany(
    { app: undefined, sub: 'ada', except: 'here' },
    clock.now(),
    'revoked',
    10,
  )
  await nextTurn()
  for (const id of ids) await store.find(id, clock.now())
  answer()
  assert.equal(await ending, { ended: 2, more: false })
  const states = await Promise.all(ids.map((id) => reasonOf(store, id, clock.now())))
  assert.equal(states, ['revoked', 'revoked', 'live', 'live'])
})

test('of hot sessions that endMany left for a second call, the first call ends none', async () => {
  const { store, clock } = openLateStore()
  const ids = ['one', 'two', 'three']
  for (const id of ids) {
    await store.insert(sessionAt(clock.now(), { id }))
    await store.find(id, clock.now())
  }
  const stateNow = () => Promise.all(ids.map((id) => reasonOf(store, id, clock.now())))
  assert.is((await store.endMany(EVERYBODY, clock.now(), 'revoked', 2)).ended, 2)
  assert.equal((await stateNow()).toSorted(), ['live', 'revoked', 'revoked'])
  assert.is((await store.endMany(EVERYBODY, clock.now(), 'revoked', 2)).ended, 1)
  assert.equal(await stateNow(), ['revoked', 'revoked', 'revoked'])
})

test('list is answered after the ends that it shows, so that none of them is found later', async () => {
  const { store, clock, holdAnswers, answer } = openLateStore()
  await store.insert(adas('first', clock.now()))
  await store.find('first', clock.now())

  holdAnswers()
  const order: string[] = []
  const ending = store
    .endMany(EVERYBODY, clock.now(), 'revoked', 10)
    .then(() => order.push('ended'))
  await nextTurn()
  const listing = store.list(
    { app: undefined, sub: 'ada', after: undefined, limit: 10 },
    clock.now(),
  )
  const listed = listing.then(() => order.push('listed'))
  await nextTurn()
  assert.equal(order, [])
  answer()
  await Promise.all([ending, listed])
  assert.equal((await listing).sessions, [])
  assert.is(await reasonOf(store, 'first', clock.now()), 'revoked')
})

test('a hot session that died and was forgotten never stands in for a new one of its id', async () => {
  const { store, clock, holdAnswers, answer } = openLateStore({}, 0)
  await store.insert({ ...adas('again', clock.now()), version: 9, data: '{"old":true}' })
  await store.find('again', clock.now())
  clock.advance(HOUR)
  const session = sessionAt(clock.now(), { id: 'again', data: '{"new":true}' })

  holdAnswers()
  const inserting = store.insert(session)
  await nextTurn()
  const finding = store.find('again', clock.now())
  answer()
  await finding
  assert.equal(await inserting, { inserted: true, evicted: [] })
  assert.equal(await store.find('again', clock.now()), { state: 'live', session })

  const set = { name: 'set', key: 'n', value: '1' } as const
  await store.change('again', clock.now(), set)
  const found = await store.find('again', clock.now())
  assert.is(found.state === 'live' && found.session.data, '{"new":true,"n":1}')
  const ofAda = await store.list(
    { app: undefined, sub: 'ada', after: undefined, limit: 10 },
    clock.now(),
  )
  assert.equal(ofAda.sessions, [])
})

for (const [death, hours] of [
  ['was idle', 1],
  ['had its lifetime', 13],
] as const) {
  test(`activity of a new session does not revive the hot one of its id that ${death}`, async () => {
    const { store, clock } = openLateStore({}, 0)
    await store.insert(sessionAt(clock.now(), { id: 'again', data: '{"old":true}' }))
    await store.find('again', clock.now())
    clock.advance(hours * HOUR)
    await store.insert(sessionAt(clock.now(), { id: 'again', data: '{"new":true}' }))
    store.touch('again', clock.now() + 1)
    const found = await store.find('again', clock.now() + 1)
    assert.is(found.state === 'live' && found.session.data, '{"new":true}')
  })
}

test('a hot session that is replaced whole is shown as replaced', async () => {
  const { store, clock } = openLateStore()
  await store.insert(sessionAt(clock.now(), { secretHash: null }))
  const { id } = sessionAt(clock.now())
  await store.find(id, clock.now())
  const replace = { data: '{"n":2}', claims: '{"sub":"eve"}', permanent: false } as const
  await store.change(id, clock.now(), { name: 'replace', ...replace })
  const found = await store.find(id, clock.now())
  assert.is(found.state === 'live' && found.session.data, '{"n":2}')
  assert.is(found.state === 'live' && found.session.claims, '{"sub":"eve"}')
})

test('whatever was done, the store shows of each session what the file holds', async () => {
  await fc.assert(
    fc.asyncProperty(batches(), async (together) => {
      const { store, clock, fileShows } = openLateStore({ maxSessionsPerSub: 2 }, 10 * MINUTE)
      const ids = new Set(IDS)
      for (const { steps, waitMs } of together) {
        await Promise.all(steps.map((step) => perform(store, clock, step, ids)))
        // Long enough for all activity to be written.
        clock.advance(1_000 + waitMs)
        await nextTurn()
        await nextTurn()
        for (const id of ids) {
          const now = clock.now()
          assert.equal(await store.find(id, now), fileShows(id, now), id)
        }
      }
    }),
    { numRuns: 150 },
  )
})

const IDS = ['a', 'b', 'c', 'd']

type Step = {
  readonly kind: 'insert' | 'log in' | 'set' | 'end' | 'end many' | 'find' | 'touch' | 'sweep'
  readonly id: string
  readonly sub: string | undefined
}

function batches() {
  const step: fc.Arbitrary<Step> = fc.record({
    kind: fc.constantFrom(
      'insert',
      'insert',
      'log in',
      'log in',
      'set',
      'end',
      'end many',
      'find',
      'touch',
      'sweep',
    ),
    id: fc.constantFrom(...IDS),
    sub: fc.constantFrom('ada', 'eve', undefined),
  })
  const batch = fc.record({
    steps: fc.array(step, { minLength: 1, maxLength: 5 }),
    waitMs: fc.constantFrom(0, 0, 0, 5 * MINUTE, 29 * MINUTE, 30 * MINUTE),
  })
  return fc.array(batch, { minLength: 1, maxLength: 12 })
}

/** Does it, whatever comes of it; adds the ids that it gives out to those that there are. */
async function perform(store: Store, clock: FakeClock, step: Step, ids: Set<string>) {
  const { kind, id, sub } = step
  const now = clock.now()
  switch (kind) {
    case 'insert': {
      const claims = sub === undefined ? '{}' : JSON.stringify({ sub })
      return await store.insert(sessionAt(now, { id, claims }))
    }
    case 'log in': {
      const renewed = `renewed-${ids.size}`
      ids.add(renewed)
      return await store.change(id, now, logIn(sub ?? null, renewed))
    }
    case 'set':
      return await store.change(id, now, { name: 'set', key: 'k', value: String(now) })
    case 'end':
      return await store.end(id, now, 'logout')
    case 'end many':
      return await store.endMany({ app: undefined, sub, except: id }, now, 'revoked', 2)
    case 'find':
      return await store.find(id, now)
    case 'touch': {
      const found = await store.find(id, now)
      if (found.state === 'live') store.touch(id, now)
      return
    }
    case 'sweep':
      return await store.sweep(now)
  }
}

test('a hot session that was swept stays ended when the clock is set back', async () => {
  const { store, clock, isHot } = openLateStore()
  const began = clock.now()
  await store.insert(sessionAt(began, { id: 'idle' }))
  await store.insert(sessionAt(began, { id: 'busy' }))
  for (const id of ['idle', 'busy']) await store.find(id, began)
  store.touch('busy', began + 20 * MINUTE)
  await store.find('busy', began + 20 * MINUTE)
  assert.is((await store.sweep(began + 40 * MINUTE)).ended, 1)
  assert.is(await reasonOf(store, 'idle', began), 'idle_timeout')
  assert.is(await reasonOf(store, 'busy', began), 'live')
  assert.is(isHot('busy'), true)
})

function adas(id: string, createdAt: number): Session {
  return sessionAt(createdAt, { id, claims: '{"sub":"ada"}' })
}

function logIn(sub: string | null, id: string): Operation {
  const renewal = { id, secretHash: 'another hash' }
  return { name: 'update', claims: JSON.stringify({ sub }), renewal }
}

test.run()
