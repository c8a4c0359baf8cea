// How often a request goes to the database and waits for its answer.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { parseJsonPatch } from '../../lib/json/json-patch.ts'
import { createSessions, type Sessions } from '../../lib/service/sessions.ts'
import type { Operation } from '../../lib/session/operations.ts'
import type { Store } from '../../lib/store/store.ts'
import type { SessionLimits } from '../../lib/session/limits.ts'
import { createFakeClock, type FakeClock } from '../kit/clock/fake-clock.ts'
import { findPostgres, startCluster } from '../kit/postgres/cluster.ts'
import { openOn } from '../kit/postgres/open-postgres-store.ts'
import { startTripCounter } from '../kit/postgres/trip-counter.ts'
import { codeOf } from '../kit/runner/code-of.ts'
import { skip } from '../kit/runner/skip.ts'
import { LIMITS } from '../kit/store/limits.ts'

const test = suite('round trips: PostgreSQL')
const bin = findPostgres()
const NO_DEVICE = () => null

if (bin === undefined) {
  test('a read is one round trip, a write two', () => skip('postgresql is not installed'))
} else {
  const cluster = await startCluster(bin)
  const CONNECTIONS = ['writer', 'reader', 'beside'].map((role) => `coatcheck ${role}`)

  type Opened = {
    readonly sessions: Sessions
    readonly clock: FakeClock
    /** All round trips of this work. */
    tripsOf(work: () => unknown): Promise<number>
    /** The sessions as another server has them, of which nothing is counted. */
    openAnother(): Promise<Sessions>
    close(): Promise<void>
  }

  /** The sessions as requests have them; the clock stands still, so that nothing is asked but what they ask. */
  async function open(given: Partial<SessionLimits> = {}, parameters = ''): Promise<Opened> {
    const clock = createFakeClock()
    const counter = await startTripCounter(cluster.port)
    const limits = { ...LIMITS, ...given }
    const database = await cluster.createDatabase()
    const store = await openOn(counter, database, clock, { limits: given }, parameters)
    const sessions = createSessions({ store, clock, limits })
    const others: Store[] = []
    const count = () => CONNECTIONS.reduce((sum, name) => sum + counter.count(name), 0)
    return {
      sessions,
      clock,
      async tripsOf(work) {
        const before = count()
        await work()
        return count() - before
      },
      async openAnother() {
        const other = await openOn(cluster, database, clock, { limits: given }, parameters)
        others.push(other)
        return createSessions({ store: other, clock, limits })
      },
      async close() {
        for (const one of [store, ...others]) await one.close()
        await counter.stop()
      },
    }
  }

  async function begin({ sessions }: Opened): Promise<string> {
    const draft = { data: '{"n":1,"list":[],"once":1}', permanent: false }
    const { token = '' } = await sessions.create(undefined, draft, NO_DEVICE)
    return token
  }

  /** With the code of the refusal, where it is one. */
  const WRITES: Readonly<Record<string, readonly [Operation, string?]>> = {
    'a key set': [{ name: 'set', key: 'user', value: '"ada"' }],
    'a key set to what it is': [{ name: 'set', key: 'n', value: '1' }],
    'an increment': [{ name: 'increment', key: 'n', by: '1' }],
    'an item appended': [{ name: 'append', key: 'list', item: '1' }],
    'a pop': [{ name: 'pop', key: 'once' }],
    'a pop of what is not there': [{ name: 'pop', key: 'nothing' }, 'key_not_found'],
    'a merge': [{ name: 'merge', key: 'deep', patch: '{"a":1}' }],
    'a clear': [{ name: 'clear' }],
    'all data replaced': [{ name: 'overwrite', data: '{"a":1}' }],
    'a JSON Patch': [
      {
        name: 'patch',
        steps: parseJsonPatch('[{"op":"add","path":"/data/b","value":1}]'),
        mayWriteClaims: false,
      },
    ],
    'a write of one version': [{ name: 'clear', when: { required: ['1'] } }],
    'a write of another version': [
      { name: 'clear', when: { required: ['7'] } },
      'precondition_failed',
    ],
  }

  test('a read is one round trip, and one more near the end of its session', async () => {
    const opened = await open()
    const { sessions, clock, tripsOf } = opened
    const token = await begin(opened)
    const read = async () => sessions.get(await sessions.authenticate(token), true)
    assert.is(await tripsOf(read), 1)
    assert.is(await tripsOf(read), 1)
    clock.set(clock.now() + LIMITS.ordinary.idleTimeoutMs - 1_000)
    assert.is(await tripsOf(read), 2)
    await opened.close()
  })

  test('a write is two round trips, with the look at who asks, whatever comes of it', async () => {
    const opened = await open()
    const { sessions, tripsOf } = opened
    for (const [title, [operation, refusal]] of Object.entries(WRITES)) {
      const token = await begin(opened)
      let refused: string | undefined
      const write = async () => {
        const found = await sessions.authenticate(token)
        await sessions.changeOrCreate(found, operation, NO_DEVICE).catch((error: unknown) => {
          refused = codeOf(error)
        })
      }
      assert.is(await tripsOf(write), 2, title)
      assert.is(refused, refusal, title)
    }
    await opened.close()
  })

  test('writes of one session that come together share their round trips', async () => {
    const opened = await open()
    const { sessions, tripsOf } = opened
    const token = await begin(opened)
    const increment = { name: 'increment', key: 'n', by: '1' } as const
    const writeAll = () =>
      Promise.all(
        Array.from({ length: 20 }, async () =>
          sessions.changeOrCreate(await sessions.authenticate(token), increment, NO_DEVICE),
        ),
      )
    const trips = await tripsOf(writeAll)
    assert.ok(trips <= 4, `${trips} round trips`)
    const { data } = await sessions.get(await sessions.authenticate(token), false)
    assert.is((JSON.parse(data) as { n: number }).n, 21)
    await opened.close()
  })

  test('a session begins with one round trip, and ends with two', async () => {
    const opened = await open()
    const { sessions, tripsOf } = opened
    let token = ''
    assert.is(await tripsOf(async () => (token = await begin(opened))), 1)
    const end = async () => sessions.end(await sessions.authenticate(token), 'logout')
    assert.is(await tripsOf(end), 2)
    await opened.close()
  })

  test('a renewal is four round trips, whatever activity there was', async () => {
    const opened = await open()
    const { sessions, tripsOf } = opened
    const token = await begin(opened)
    await sessions.get(await sessions.authenticate(token), true)
    const renew = async () => sessions.renew(await sessions.authenticate(token))
    assert.is(await tripsOf(renew), 4)
    await opened.close()
  })

  test('where the sessions of a user are counted, one begins with three round trips', async () => {
    const opened = await open({ maxSessionsPerSub: 2 })
    const { sessions, tripsOf } = opened
    const draft = { data: '{}', claims: '{"sub":"ada"}', permanent: false }
    const logIn = () => sessions.create(undefined, draft, NO_DEVICE)
    for (let count = 1; count <= 3; count++) assert.is(await tripsOf(logIn), 3)
    const token = await begin(opened)
    await sessions.get(await sessions.authenticate(token), true)
    // Another's activity is written before.
    assert.is(await tripsOf(logIn), 4)
    await opened.close()
  })

  test('a write to what another server has written to meanwhile reads it, and writes again', async () => {
    const opened = await open()
    const { sessions, tripsOf } = opened
    const token = await begin(opened)
    const elsewhere = await opened.openAnother()
    const operation = { name: 'increment', key: 'n', by: '1' } as const
    const write = async () => {
      const found = await sessions.authenticate(token)
      const there = await elsewhere.authenticate(token)
      await elsewhere.change(there, operation)
      await sessions.change(found, operation)
    }
    // Two there, which go another way.
    assert.is(await tripsOf(write), 4)
    await opened.close()
  })

  test('behind a pooler, which may lead to another server, what is written to is read before', async () => {
    const opened = await open({}, '?prepare=false')
    const { sessions, tripsOf } = opened
    const token = await begin(opened)
    const operation = { name: 'clear' } as const
    assert.is(
      await tripsOf(async () => sessions.change(await sessions.authenticate(token), operation)),
      3,
    )
    await opened.close()
  })

  test('the cluster stops', () => cluster.stop())
}

test.run()
