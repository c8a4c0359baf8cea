import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { quantileOf, withoutHistogram } from '../../lib/base/histogram.ts'
import { createHttpCounts } from '../../lib/metrics/http-counts.ts'
import { KEPT_POINTS, startPoints } from '../../lib/metrics/points.ts'
import type { Point } from '../../lib/metrics/point.ts'
import { openMemoryStore } from '../kit/store/memory-store.ts'
import { sessionAt } from '../kit/store/session-at.ts'

const test = suite('points')

test('a point is what a second has changed', async () => {
  const { store, clock, http, points, told } = open()
  http.answered(0, 'GET', 200, 0.0004)
  http.answered(0, 'GET', 200, 0.0004)
  http.answered(0, 'PUT', 204, 0.02)
  http.answered(1, 'GET', 200, 0.0004)
  await store.insert(sessionAt(clock.now(), { id: 'one' }))
  await store.insert(sessionAt(clock.now(), { id: 'two' }))
  await store.end('one', clock.now(), 'logout')
  clock.advance(1_000)
  const [point] = points.all()
  assert.equal([point?.reads, point?.writes], [2, 1])
  assert.equal([point?.created, point?.ended, point?.sessions], [2, 1, 1])
  assert.ok(Number(point?.p50) > 0.25 && Number(point?.p50) <= 0.5, String(point?.p50))
  assert.ok(Number(point?.p99) > 10 && Number(point?.p99) <= 25, String(point?.p99))
  assert.ok(Number(point?.commit) >= 0)
  assert.equal(told, [point])
  clock.advance(1_000)
  const quiet = points.all()[1]
  assert.equal([quiet?.reads, quiet?.p99, quiet?.commit, quiet?.created], [0, null, null, 0])
})

test('who was active is counted anew every ten seconds', async () => {
  const { store, clock, points } = open()
  const seen = async (id: string) => {
    await store.insert(sessionAt(clock.now(), { id, claims: `{"sub":"${id}"}` }))
    clock.advance(1_000)
    return points.all().map(({ activeUsers }) => activeUsers)
  }
  assert.equal(await seen('ada'), [1])
  assert.equal(await seen('eve'), [1, 1])
  for (let second = 0; second < 9; second++) clock.advance(1_000)
  assert.equal(points.all().at(-2)?.activeUsers, 1)
  assert.equal(points.all().at(-1)?.activeUsers, 2)
})

test('five minutes are kept, and after a stop nothing comes', () => {
  const { clock, points } = open()
  for (let second = 0; second < 400; second++) clock.advance(1_000)
  assert.is(points.all().length, KEPT_POINTS)
  assert.is(points.all().at(-1)?.at, clock.now())
  points.stop()
  clock.advance(10_000)
  assert.is(points.all().length, KEPT_POINTS)
})

test('a quantile lies in the bucket that has it', () => {
  const bounds = [1, 2, 4]
  const of = (counts: number[]) => ({ bounds, counts, sum: 0 })
  assert.is(quantileOf(of([0, 0, 0, 0]), 0.5), undefined)
  assert.is(quantileOf(of([10, 0, 0, 0]), 0.5), 0.5)
  assert.is(quantileOf(of([5, 5, 0, 0]), 0.5), 1)
  assert.is(quantileOf(of([0, 0, 10, 0]), 0.5), 3)
  assert.is(quantileOf(of([0, 0, 0, 3]), 0.99), 4)
  assert.equal(withoutHistogram(of([3, 2, 1, 0]), of([1, 2, 0, 0])).counts, [2, 0, 1, 0])
})

test.run()

/** The second route is that of who looks. */
function open() {
  const { store, clock } = openMemoryStore()
  const http = createHttpCounts(['/session', '/dashboard'], [], (route) => route === '/dashboard')
  const idle = { cpuSeconds: 0, memoryBytes: 1, lagSeconds: 0, upSeconds: 1 }
  const points = startPoints({ http, store, process: { read: () => idle }, clock })
  const told: Point[] = []
  points.watch((point) => told.push(point))
  return { store, clock, http, points, told }
}
