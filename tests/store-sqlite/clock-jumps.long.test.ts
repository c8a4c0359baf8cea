/** Time limits under a clock that jumps forth and back, and at dates that programs trip over. */
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createLog } from '../../lib/base/log.ts'
import { createFakeClock } from '../kit/clock/fake-clock.ts'
import { DAY, HOUR, MINUTE } from '../kit/store/limits.ts'
import { openFileStore } from '../kit/store/open-file-store.ts'
import { openBackEnd } from '../kit/clients/back-end.ts'
import { API_KEY, type Request, type SessionBody, sessionOf } from '../kit/process/open-server.ts'
import { sessionAt } from '../kit/store/session-at.ts'

const YEAR = 365 * DAY

const MOMENTS: readonly (readonly [name: string, time: number])[] = [
  ['the epoch', 0],
  ['29 February of a leap year', Date.UTC(2028, 1, 29)],
  ['1 March of a year that only seems to be a leap year', Date.UTC(2100, 2, 1)],
  ['the end of 31-bit seconds in 2038', 2 ** 31 * 1000],
  ['the end of 32-bit seconds in 2106', 2 ** 32 * 1000],
  ['the year 10000', Date.UTC(10_000, 0, 1)],
  ['a leap second', Date.UTC(2017, 0, 1)],
]

const test = suite('clock jumps')

for (const [name, moment] of MOMENTS) {
  test(`an idle timeout that ends at ${name} ends there, to the millisecond`, async () => {
    // Nothing is before the epoch.
    const began = Math.max(0, moment - 30 * MINUTE)
    const { ask, request, create, clock, store } = openAt(began)
    const { id, cookie, expiresAt, lifetimeEndsAt } = await create()
    assert.is(Date.parse(expiresAt), began + 30 * MINUTE)
    assert.is(Date.parse(lifetimeEndsAt), began + 12 * HOUR)

    clock.set(began + 30 * MINUTE - 1)
    assert.is((await store.sweep(clock.now())).ended, 0)
    assert.is((await request('GET /session?touch=false', { cookie })).status, 200)
    clock.set(began + 30 * MINUTE)
    assert.equal(await endOf(request, cookie), ['idle_timeout', began + 30 * MINUTE])
    assert.is((await ask(`GET /sessions/${id}`)).status, 410)
    assert.equal(await idsOf(ask), [])
    assert.is((await store.sweep(clock.now())).ended, 1)
    assert.equal(await endOf(request, cookie), ['idle_timeout', began + 30 * MINUTE])
  })

  test(`a lifetime across ${name} is no longer than it says, whatever is done`, async () => {
    const began = Math.max(0, moment - 6 * HOUR)
    const { request, create, clock } = openAt(began)
    const { cookie } = await create()
    const end = began + 12 * HOUR
    for (let now = began; now < end; now += 29 * MINUTE) {
      clock.set(now)
      const session = await sessionOf(await request('GET /session', { cookie }))
      assert.is(Date.parse(session.lastSeenAt), now)
      assert.is(Date.parse(session.lifetimeEndsAt), end)
      assert.is(Date.parse(session.expiresAt), Math.min(now + 30 * MINUTE, end))
    }
    clock.set(end - 1)
    assert.is((await request('GET /session', { cookie })).status, 200)
    clock.set(end)
    assert.equal(await endOf(request, cookie), ['lifetime', end])
  })

  test(`a file keeps the times of a session around ${name}`, async () => {
    const clock = createFakeClock(moment)
    const session = sessionAt(moment, { lastSeenAt: moment + 1 })
    const { store, path } = await openFileStore({ clock })
    await store.insert(session)
    store.touch(session.id, moment + 2)
    await store.close()

    const again = await openFileStore({ clock, path })
    const found = { state: 'live', session: { ...session, lastSeenAt: moment + 2 } }
    assert.equal(await again.store.find(session.id, moment + 2), found)
    const end = moment + 2 + session.idleTimeoutMs
    assert.is((await again.store.sweep(end - 1)).ended, 0)
    assert.is((await again.store.sweep(end)).ended, 1)
    await again.store.close()
  })
}

test('whatever the clock does, nothing is served past its deadline, nor refused before it', async () => {
  const seen = { live: 0, idle_timeout: 0, lifetime: 0, forgotten: 0 }
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...MOMENTS), jumps(), async ([, start], steps) => {
      const { ask, request, create, clock } = openAt(start)
      const { id, cookie } = await create({ lifetime: 45 * 60 })
      const lifetimeEnd = start + 45 * MINUTE
      let lastSeen = start
      for (const { to, line, touches, body } of steps) {
        clock.set(Math.max(0, start + to))
        const now = clock.now()
        const deadline = Math.min(lastSeen + 30 * MINUTE, lifetimeEnd)
        const isHolder = !line.includes('/sessions/')
        const shown = { ...(isHolder && { cookie }), ...(body !== undefined && { body }) }
        const answer = await (isHolder ? request : ask)(line.replace('ID', id), shown)
        if (now < deadline) {
          seen.live++
          assert.ok(answer.status < 300, `${answer.status} before the deadline`)
          if (touches) lastSeen = Math.max(lastSeen, now)
        } else if (now - deadline < DAY) {
          const reason = deadline === lifetimeEnd ? 'lifetime' : 'idle_timeout'
          seen[reason]++
          assert.equal(await endIn(answer), [reason, deadline])
        } else {
          seen.forgotten++
          assert.is(answer.status, 404)
        }
      }
      clock.set(lifetimeEnd)
      assert.is((await request('GET /session', { cookie })).status, 410)
    }),
    { numRuns: 300 },
  )
  for (const [outcome, count] of Object.entries(seen)) assert.ok(count > 20, `${count} ${outcome}`)
})

test('a clock that is set back ends nobody, with the sweeper and without it', async () => {
  for (const back of [1, HOUR, DAY, YEAR, 50 * YEAR]) {
    const { ask, request, create, clock, store } = openAt(Date.UTC(2026, 0, 1))
    const cookies: string[] = []
    for (let n = 0; n < 200; n++) {
      const permanent = n % 3 === 0
      cookies.push((await create({ permanent })).cookie)
      clock.advance(n % 7)
    }
    const now = clock.now()
    clock.set(now - back)
    assert.equal(await store.sweep(clock.now()), { ended: 0, removed: 0, damaged: 0 })
    assert.is((await idsOf(ask)).length, 200)
    for (const cookie of cookies) {
      assert.is((await request('GET /session', { cookie })).status, 200)
    }
    clock.set(now)
    assert.equal(await store.sweep(clock.now()), { ended: 0, removed: 0, damaged: 0 })
    assert.is((await idsOf(ask)).length, 200)
    clock.set(now + HOUR)
    assert.equal(await store.sweep(clock.now()), { ended: 133, removed: 0, damaged: 0 })
    assert.is((await idsOf(ask)).length, 67)
  }
})

test('what was ended or swept stays so, wherever the clock is set', async () => {
  const { request, create, clock, store } = openAt(Date.UTC(2026, 0, 1))
  const began = clock.now()
  const [swept, loggedOut, renewed] = [await create(), await create(), await create()]
  for (const { cookie } of [swept, loggedOut, renewed]) await request('GET /session', { cookie })
  await request('DELETE /session', { cookie: loggedOut.cookie })
  await request('POST /session/renew', { cookie: renewed.cookie })
  clock.set(began + HOUR)
  assert.is((await store.sweep(clock.now())).ended, 2)
  for (const to of [began, began - 1, began + 1, 0, began + HOUR]) {
    clock.set(to)
    await store.sweep(clock.now())
    assert.equal(await endOf(request, swept.cookie), ['idle_timeout', began + 30 * MINUTE])
    assert.equal(await endOf(request, loggedOut.cookie), ['logout', began])
    assert.equal(await endOf(request, renewed.cookie), ['renewed', began])
  }
})

test('activity while the clock was ahead extends nothing past the lifetime', async () => {
  const { ask, request, create, clock } = openAt(Date.UTC(2026, 0, 1))
  const began = clock.now()
  const { id, cookie } = await create({ lifetime: 3_600 })
  clock.set(began + 29 * MINUTE)
  await request('GET /session', { cookie })
  await request('PUT /session/user', { cookie, body: '"ada"' })
  clock.set(began)
  const session = await sessionOf(await request('GET /session', { cookie }))
  assert.is(Date.parse(session.lastSeenAt), began + 29 * MINUTE)
  assert.is(Date.parse(session.expiresAt), began + 59 * MINUTE)
  clock.set(began + 58 * MINUTE)
  await ask(`PUT /sessions/${id}/user`, { body: '"bea"' })
  clock.set(began + HOUR)
  assert.equal(await endOf(request, cookie), ['lifetime', began + HOUR])
})

test('a cookie keeps no longer than the lifetime when the clock was set back by years', async () => {
  const { request, create, clock } = openAt(Date.UTC(2026, 0, 1))
  const { id, cookie } = await create({ permanent: true })
  clock.set(clock.now() - 2 * YEAR)
  const renewed = await request('POST /session/renew', { cookie })
  assert.is(renewed.status, 204)
  assert.is(maxAgeIn(renewed.headers.get('set-cookie')), (31 * DAY) / 1000)
  assert.equal(await endOf(request, cookie), ['renewed', clock.now()])

  const other = await create()
  clock.set(clock.now() - 2 * YEAR)
  const permanent = await request('PATCH /session', {
    cookie: other.cookie,
    body: '{"permanent":true}',
  })
  assert.is(permanent.status, 200)
  assert.is(maxAgeIn(permanent.headers.get('set-cookie')), (31 * DAY) / 1000)
  assert.is.not(id, other.id)
})

test('a log-out deletes the cookie at any date', async () => {
  for (const [name, moment] of MOMENTS) {
    const { request, create } = openAt(moment)
    const { cookie } = await create()
    const answer = await request('DELETE /session', { cookie })
    const deleted = answer.headers.get('set-cookie') ?? ''
    assert.match(deleted, 'sid=; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT', name)
  }
})

test('a client that showed wrong keys is not shut out for as long as the clock was ahead', async () => {
  const { ask, clock } = openAt(Date.UTC(2026, 0, 1))
  const wrong = { key: `${API_KEY}-of-somebody-else` }
  clock.set(clock.now() + DAY)
  for (let n = 0; n < 20; n++) await ask('GET /sessions', wrong)
  assert.is((await ask('GET /sessions', wrong)).status, 429)
  clock.set(clock.now() - DAY)
  assert.is((await ask('GET /sessions', wrong)).status, 429)
  clock.advance(1_000)
  assert.is((await ask('GET /sessions', wrong)).status, 401)
})

test('the log goes on when the clock was set back', () => {
  const clock = createFakeClock()
  const lines: string[] = []
  const log = createLog({ clock, write: (line) => lines.push(line) })
  for (let n = 0; n < 20; n++) log.warn('something')
  clock.set(clock.now() - YEAR)
  log.warn('something')
  assert.match(lines.at(-1) ?? '', '2025-01-01')
})

test.run()

/** A server of which the clock is at this time; `ask` shows the key. */
function openAt(time: number) {
  const server = openBackEnd()
  server.clock.set(time)
  return server
}

/** The clock is set to so many milliseconds after the start, or before it, and a request comes. */
type Jump = {
  readonly to: number
  readonly line: string
  readonly touches: boolean
  readonly body?: string
}

function jumps(): fc.Arbitrary<Jump[]> {
  const near = fc.constantFrom(0, 29 * MINUTE, 30 * MINUTE, 45 * MINUTE, 45 * MINUTE + DAY)
  const to = fc.oneof(
    fc.tuple(near, fc.integer({ min: -2, max: 2 })).map(([time, ms]) => time + ms),
    fc.integer({ min: -HOUR, max: HOUR }),
    fc.integer({ min: -2 * YEAR, max: 2 * YEAR }),
  )
  const request = fc.constantFrom(
    { line: 'GET /session', touches: true },
    { line: 'GET /session?touch=false', touches: false },
    { line: 'POST /session/clear', touches: true },
    { line: 'GET /sessions/ID', touches: true },
    { line: 'GET /sessions/ID?touch=false', touches: false },
    { line: 'PUT /sessions/ID/key', touches: true, body: '1' },
    { line: 'PATCH /sessions/ID', touches: true, body: '{"data":{"key":2}}' },
  )
  return fc.array(
    fc.tuple(to, request).map(([to, request]) => ({ to, ...request })),
    { maxLength: 25 },
  )
}

async function endOf(request: Request, cookie: string): Promise<readonly [string, number]> {
  return await endIn(await request('GET /session', { cookie }))
}

/** Why and when the session has ended, of which the answer says so. */
async function endIn(answer: Response): Promise<readonly [string, number]> {
  const { reason, endedAt, code }: { reason?: string; endedAt?: string; code?: string } =
    JSON.parse(await answer.text())
  return [reason ?? `${answer.status} ${code}`, Date.parse(endedAt ?? '')]
}

async function idsOf(ask: Request): Promise<string[]> {
  const answer = await ask('GET /sessions?limit=1000')
  const page: { sessions: SessionBody[] } = JSON.parse(await answer.text())
  return page.sessions.map(({ id }) => id)
}

function maxAgeIn(setCookie: string | null): number {
  return Number(/Max-Age=(\d+)/.exec(setCookie ?? '')?.[1])
}
