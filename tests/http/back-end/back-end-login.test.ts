/** `PATCH` with `login`: who logs in has nothing of who had the session before, but for its data. */
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { bodyOf, endingOf, openBackEnd, rowsOf } from '../../kit/clients/back-end.ts'
import { cookieOf, problemOf, refusalOf, sessionOf } from '../../kit/process/open-server.ts'
import { DAY, HOUR, MINUTE } from '../../kit/store/limits.ts'

const test = suite('log-in')

const logIn = (sub: string, more: object = {}) => ({
  body: JSON.stringify({ login: { sub }, ...more }),
})

test('a log-in without a sub, with one that is none, or beside claims is refused, and nothing is done', async () => {
  const server = openBackEnd()
  const { ask, cookie, id } = await openAda(server)
  const before = rowsOf(server)
  for (const [body, refusal] of [
    ['{"login":{}}', '422 invalid_claims'],
    ['{"login":{"role":"admin"}}', '422 invalid_claims'],
    ['{"login":{"sub":null}}', '422 invalid_claims'],
    ['{"login":{"sub":""}}', '422 invalid_claims'],
    ['{"login":{"sub":1}}', '422 invalid_claims'],
    ['{"login":"ada"}', '422 invalid_argument'],
    ['{"login":null}', '422 invalid_argument'],
    ['{"login":{"sub":"bob"},"claims":{}}', '422 invalid_argument'],
  ] as const) {
    assert.is(await refusalOf(await ask('PATCH /session', { cookie, body })), refusal, body)
    assert.is(await refusalOf(await ask(`PATCH /sessions/${id}`, { body })), refusal, body)
  }
  const { detail } = await problemOf(await ask('PATCH /session', { cookie, body: '{"login":{}}' }))
  assert.match(detail, 'as in {"login":{"sub":"ada"}}')
  assert.equal(rowsOf(server), before)
})

test('a log-in replaces the claims and keeps the data, on the cookie and by the id', async () => {
  const server = openBackEnd()
  for (const by of ['cookie', 'id']) {
    const { ask, cookie, id } = await openAda(server)
    const body = '{"login":{"sub":"bob","team":"x"},"extend":{"cart":["jam"]}}'
    const answer =
      by === 'cookie'
        ? await ask('PATCH /session', { cookie, body })
        : await ask(`PATCH /sessions/${id}`, { body })
    const { claims, data, permanent } = await bodyOf(answer)
    assert.equal([claims, data], [{ sub: 'bob', team: 'x' }, { cart: ['tea', 'jam'] }], by)
    assert.is(permanent, false)
    const gone = await server.request('GET /session', { cookie })
    assert.is(await endingOf(gone), '410 session_ended renewed')
  }
})

test('each log-in renews, of the same user with the same claims, too', async () => {
  const server = openBackEnd()
  const { ask, cookie } = await openAda(server, { permanent: false })
  const { id } = await sessionOf(await ask('GET /session', { cookie }))
  const body = '{"login":{"sub":"ada","role":"admin"}}'
  const answer = await ask('PATCH /session', { cookie, body })
  assert.is(answer.status, 200)
  assert.ok(cookieOf(answer).startsWith('sid='))
  assert.is.not(cookieOf(answer), cookie)
  assert.is.not((await bodyOf(answer)).id, id)
  const old = await server.request('GET /session', { cookie })
  assert.is(await endingOf(old), '410 session_ended renewed')
})

test('a session of an id of your own keeps it', async () => {
  const { ask } = openBackEnd()
  await ask('PUT /sessions/job-1', { body: '{"claims":{"sub":"ada","role":"admin"}}' })
  const { id, claims } = await bodyOf(await ask('PATCH /sessions/job-1', logIn('bob')))
  assert.equal([id, claims], ['job-1', { sub: 'bob' }])
})

test('limits and permanent are those of the log-in, or of the settings', async () => {
  for (const [asked, permanent, idleMs, lifetimeMs] of [
    [{}, false, 30 * MINUTE, 12 * HOUR],
    [{ permanent: true }, true, 31 * DAY, 31 * DAY],
    [{ idleTimeout: 600 }, false, 10 * MINUTE, 12 * HOUR],
    [{ idleTimeout: 600, lifetime: 3_600 }, false, 10 * MINUTE, HOUR],
  ] as const) {
    const server = openBackEnd()
    const { ask, cookie } = await openAda(server)
    // Older than the lifetime that it is given: that begins with the log-in.
    server.clock.advance(13 * HOUR)
    const seen = await bodyOf(await ask('PATCH /session', { cookie, ...logIn('bob', asked) }))
    const now = server.clock.now()
    assert.equal(
      [seen.permanent, Date.parse(seen.expiresAt) - now, Date.parse(seen.lifetimeEndsAt) - now],
      [permanent, idleMs, lifetimeMs],
      JSON.stringify(asked),
    )
  }
})

test('a lifetime can be told to count from the creation all the same', async () => {
  const server = openBackEnd()
  const { ask, cookie } = await openAda(server)
  server.clock.advance(HOUR)
  const limits = { lifetime: 2 * 3_600, idleTimeout: 60, lifetimeFrom: 'creation' }
  const seen = await bodyOf(await ask('PATCH /session', { cookie, ...logIn('bob', limits) }))
  assert.is(Date.parse(seen.lifetimeEndsAt) - server.clock.now(), HOUR)
})

test.run()

/** A session of an admin who stays logged in, and the cookie that opens it. */
async function openAda(server: ReturnType<typeof openBackEnd>, more: object = {}) {
  const { id, cookie } = await server.create({
    data: { cart: ['tea'] },
    claims: { sub: 'ada', role: 'admin' },
    permanent: true,
    idleTimeout: 30 * 86_400,
    lifetime: 400 * 86_400,
    ...more,
  })
  return { ask: server.ask, id, cookie }
}
