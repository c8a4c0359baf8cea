import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createStore } from '../../../lib/store-sqlite/store-sqlite.ts'
import { openMemoryDatabase } from '../../../lib/store-sqlite/database/database.ts'
import { createReader } from '../../../lib/store-sqlite/reader.ts'
import { costOf } from '../../../lib/store-sqlite/writer/write-cost.ts'
import { createFakeClock } from '../../kit/clock/fake-clock.ts'
import { openServer, refusalOf, signIn } from '../../kit/process/open-server.ts'
import { HEALTHY } from '../../kit/store/healthy.ts'
import { sessionAt } from '../../kit/store/session-at.ts'

const test = suite('dear requests')

const PATCH = { 'content-type': 'application/json-patch+json' }
const ones = (count: number) => `[${Array(count).fill('1').join(',')}]`
const deep = (inner: string, levels: number) => '{"a":'.repeat(levels) + inner + '}'.repeat(levels)

test('a patch that moves an item through a long list again and again is refused', async () => {
  const { request } = openServer()
  const cookie = await signIn(request, { kept: 1 })
  for (const [items, moves] of [
    [60_000, 15_000],
    [60_000, 3_000],
    [20_000, 3_000],
  ] as const) {
    const move = `{"op":"move","from":"/data/a/${items - 1}","path":"/data/a/0"}`
    const steps = [
      `{"op":"add","path":"/data/a","value":${ones(items)}}`,
      ...Array(moves).fill(move),
    ]
    const body = `[${steps.join(',')},{"op":"replace","path":"/data/a","value":[1]}]`
    const answer = await request('PATCH /session', { cookie, body, headers: PATCH })
    assert.is(await refusalOf(answer), '422 invalid_patch')
  }
  assert.is(await (await request('GET /session/kept', { cookie })).text(), '1')
  assert.is((await request('GET /session/a', { cookie })).status, 404)
})

test('an ordinary patch of many steps is done', async () => {
  const { request } = openServer()
  const patch = (step: (n: number) => string, count: number) =>
    `[{"op":"add","path":"/data/list","value":[]},${Array.from({ length: count }, (_, n) => step(n)).join(',')}]`
  const cases = [
    patch((n) => `{"op":"add","path":"/data/list/-","value":{"n":${n}}}`, 500),
    patch((n) => `{"op":"add","path":"/data/list/-","value":${n}}`, 5_000),
    patch((n) => `{"op":"add","path":"/data/list/0","value":${n}}`, 2_000),
    patch(
      (n) =>
        `{"op":"add","path":"/data/list/-","value":${n}},{"op":"test","path":"/data/list/${n}","value":${n}.0}`,
      1_000,
    ),
  ]
  for (const body of cases) {
    const cookie = await signIn(request, {})
    const answer = await request('PATCH /session', { cookie, body, headers: PATCH })
    assert.is(answer.status, 200)
  }
})

test('a merge reads each text once, however deep it is', async () => {
  const { request } = openServer()
  const cookie = await signIn(request, {})
  const before = deep(ones(25_000), 60)
  assert.is((await request('PATCH /session', { cookie, body: `{"data":${before}}` })).status, 200)
  const answer = await request('PATCH /session', { cookie, body: `{"data":${deep('2', 60)}}` })
  assert.is(answer.status, 200)
  const { data }: { data: unknown } = JSON.parse(await answer.text())
  assert.is(JSON.stringify(data), deep('2', 60))
})

test('a merge of more members than a session can have is refused', async () => {
  const { request } = openServer()
  const cookie = await signIn(request, {})
  const nulls = Array.from({ length: 70_000 }, (_, n) => `"${n}":null`).join(',')
  for (const body of [`{"data":{${nulls}}}`, `{"data":{"a":{${nulls}}}}`]) {
    const answer = await request('PATCH /session', { cookie, body })
    assert.is(await refusalOf(answer), '422 invalid_patch')
  }
})

test('a body that has more members than any is refused before they are read', async () => {
  const { request } = openServer()
  const cookie = await signIn(request, {})
  const many = `{${Array.from({ length: 90_000 }, (_, n) => `"${n}":1`).join(',')}}`
  for (const line of ['PATCH /session', 'PATCH /session/a']) {
    assert.is(await refusalOf(await request(line, { cookie, body: many })), '422 invalid_argument')
  }
  const step = await request('PATCH /session', { cookie, body: `[${many}]`, headers: PATCH })
  assert.is(step.status, 422)
})

test('numbers of a million digits, before the point or in the exponent, are refused', async () => {
  const { request } = openServer()
  const cookie = await signIn(request, { n: 1 })
  for (const by of ['9'.repeat(900_000), `1e${'9'.repeat(900_000)}`, `1e-${'9'.repeat(900_000)}`]) {
    const answer = await request('PATCH /session/n', { cookie, body: `{"increment":${by}}` })
    assert.is(await refusalOf(answer), '422 number_too_large')
  }
  const zeros = `1e${'0'.repeat(900_000)}1`
  const answer = await request('PATCH /session/n', { cookie, body: `{"increment":${zeros}}` })
  assert.is(await answer.text(), '11')
})

test('a list takes what a session has room for, and no more', async () => {
  const { request } = openServer()
  const cookie = await signIn(request, { list: [] })
  const append = (item: string) =>
    request('PATCH /session/list', { cookie, body: `{"append":${item}}` })
  assert.is(await (await append(' [ 1 ] ')).text(), '[[ 1 ]]')
  assert.is(await refusalOf(await append(ones(400_000))), '413 session_too_large')
  assert.is(await refusalOf(await append('['.repeat(64) + ']'.repeat(64))), '422 too_deep')
  assert.is((await append('['.repeat(63) + ']'.repeat(63))).status, 200)
})

test('a write costs the more, the larger its session is and the more it looks into it', () => {
  const base = { kind: 'change', id: 'a', now: 1, seenAt: 0 } as const
  const steps = Array(100).fill({ op: 'copy', from: ['data', 'a'], path: ['data', 'b'] })
  const operations = [
    { name: 'clear' },
    { name: 'set', key: 'a', value: '"ada"' },
    { name: 'merge', key: 'a', patch: '{"b":1}' },
    { name: 'patch', steps, mayWriteClaims: false },
  ] as const
  for (const operation of operations) {
    const costs = [100, 60_000].map((size) => costOf({ ...base, operation }, () => size))
    assert.ok(Number(costs[0]) < Number(costs[1]), operation.name)
  }
  const [, set, merge, patch] = operations.map((operation) =>
    costOf({ ...base, operation }, () => 60_000),
  )
  assert.ok(Number(set) < 500 && Number(merge) > 500 && Number(patch) > Number(merge))
})

test('health says that writes are late, unless something worse is to be said', async () => {
  const clock = createFakeClock()
  const reader = createReader(openMemoryDatabase(), 1_000)
  let health = HEALTHY
  const answers = Promise.withResolvers<never>()
  answers.promise.catch(() => {})
  const writer = {
    write: () => answers.promise,
    sweep: () => answers.promise,
    tick() {},
    health: () => health,
    async close() {},
  }
  const parts = { clock, maxPendingWrites: 10, maxWriteWaitMs: 10, patient: false }
  const store = createStore(reader, writer, parts)
  assert.is(store.health().state, 'ok')
  const waiting = store.insert(sessionAt(clock.now())).catch(() => {})
  for (const end = performance.now() + 12; performance.now() < end;) await nextTurn()
  assert.equal(store.health(), { ...HEALTHY, state: 'degraded', reasons: ['writes_late'] })
  health = { ...HEALTHY, state: 'degraded', writes: 'ends_only', reasons: ['disk_full'] }
  assert.is(store.health(), health)
  answers.reject(new Error('The test is over'))
  await waiting
  await store.close()
})

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

test.run()
