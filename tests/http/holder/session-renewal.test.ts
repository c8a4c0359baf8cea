import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { DAY, MINUTE } from '../../kit/store/limits.ts'
import {
  cookieOf,
  openServer,
  problemOf,
  type Request,
  sessionOf,
  signIn,
} from '../../kit/process/open-server.ts'

const test = suite('session renewal')

const WRITES = [
  ['PUT /session/a', '1'],
  ['PATCH /session/a', '{"append":1}'],
  ['PATCH /session', '{"data":{"a":1}}'],
] as const

test('renew gives the session a new id and secret; the old token is dead at once', async () => {
  const { request, clock } = openServer()
  const old = await signIn(request, { user: 'ada' })
  const before = await sessionOf(await request('GET /session', { cookie: old }))
  clock.advance(1000)
  const renewed = await request('POST /session/renew', { cookie: old })
  assert.equal([renewed.status, await renewed.text()], [204, ''])
  const cookie = cookieOf(renewed)
  const [oldId, oldSecret] = old.slice(4).split('.')
  const [id, secret] = cookie.slice(4).split('.')
  assert.is.not(id, oldId)
  assert.is.not(secret, oldSecret)

  const after = await sessionOf(await request('GET /session', { cookie }))
  assert.equal(after.data, { user: 'ada' })
  assert.equal([after.id, after.createdAt], [id, before.createdAt])
  for (const line of ['GET /session', 'POST /session/renew', 'DELETE /session']) {
    const { code, reason, endedAt } = await problemOf(await request(line, { cookie: old }))
    assert.equal([code, reason], ['session_ended', 'renewed'])
    assert.is(endedAt, '2026-01-01T00:00:01.000Z')
  }
  const mixed = `sid=${oldId}.${secret}`
  assert.is((await request('GET /session', { cookie: mixed })).status, 404)
})

test('renew does not lengthen the lifetime, and keeps permanent', async () => {
  const { request, clock } = openServer()
  const old = cookieOf(await request('PATCH /session', { body: '{"permanent":true}' }))
  clock.advance(DAY)
  const renewed = await request('POST /session/renew', { cookie: old })
  assert.match(renewed.headers.get('set-cookie') ?? '', `; Max-Age=${(30 * DAY) / 1000};`)
  const session = await sessionOf(await request('GET /session', { cookie: cookieOf(renewed) }))
  assert.equal([session.permanent, session.lifetimeEndsAt], [true, '2026-02-01T00:00:00.000Z'])
})

test('of 20 renewals at once one gives a new token', async () => {
  const { request, countRows } = openCounted()
  const cookie = await signIn(request, {})
  const race = Array.from({ length: 20 }, () => request('POST /session/renew', { cookie }))
  const statuses = (await Promise.all(race)).map(({ status }) => status)
  assert.equal(statuses.sort(), [204, ...Array<number>(19).fill(410)])
  assert.equal(countRows(), [1, 1])
})

test('a late write with a dead token makes another session and revives none', async () => {
  for (const end of ['DELETE /session', 'idle']) {
    for (const [line, body] of WRITES) {
      const { request, clock } = openServer({ idleTimeoutMs: MINUTE })
      const cookie = await signIn(request, { user: 'ada' })
      if (end === 'idle') clock.advance(MINUTE)
      else await request(end, { cookie })

      const late = await request(line, { cookie, body })
      assert.ok(late.ok)
      const other = cookieOf(late)
      assert.match(other, /^sid=[\w-]{21}\.[\w-]{43}$/)
      const session = await sessionOf(await request('GET /session', { cookie: other }))
      assert.is.not(session.id, cookie.slice(4, 25))
      assert.not.ok('user' in session.data)
      assert.is((await request('GET /session', { cookie })).status, 410)
    }
  }
})

test('a late write with a token that was renewed is 410: its browser may have the new cookie', async () => {
  for (const [line, body] of WRITES) {
    const { request, clock, database } = openServer({ idleTimeoutMs: MINUTE })
    const cookie = await signIn(request, { user: 'ada' })
    const renewed = cookieOf(await request('POST /session/renew', { cookie }))
    for (const ask of [{ cookie }, { headers: { authorization: `Bearer ${cookie.slice(4)}` } }]) {
      const late = await request(line, { ...ask, body })
      const { status, code, reason, detail } = await problemOf(late)
      assert.equal([status, code, reason], [410, 'session_ended', 'renewed'], line)
      assert.match(detail, 'use the newest token')
      assert.is(late.headers.get('set-cookie'), null)
    }
    assert.is(database.prepare('select count(*) from sessions').pluck().get(), 1)
    const { data } = await sessionOf(await request('GET /session', { cookie: renewed }))
    assert.equal(data, { user: 'ada' })

    // The session has ended for another reason since; the old token does not know.
    clock.advance(MINUTE)
    assert.is((await request(line, { cookie, body })).status, 410)
    assert.ok((await request(line, { cookie: renewed, body })).ok)
  }
})

test('a write that is raced by a renewal is in the session or 410, and begins none', async () => {
  const { request, database } = openServer()
  const cookie = await signIn(request, { n: 0 })
  const write = () => request('PATCH /session/n', { cookie, body: '{"increment":1}' })
  const renew = request('POST /session/renew', { cookie })
  const answers = await Promise.all([write(), write(), renew, write(), write()])
  assert.equal(
    answers.map(({ status }) => status),
    [410, 410, 204, 410, 410],
  )
  assert.is(database.prepare('select count(*) from sessions').pluck().get(), 1)
})

test.run()

/** Counts the sessions and the tombstones in the database. */
function openCounted(): { request: Request; countRows: () => unknown[] } {
  const { request, database } = openServer()
  const count = database.prepare(
    'select (select count(*) from sessions), (select count(*) from tombstones)',
  )
  return { request, countRows: () => Object.values(count.get() as object) }
}
