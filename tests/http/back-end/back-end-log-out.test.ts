import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { endingOf, openBackEnd, rowsOf } from '../../kit/clients/back-end.ts'
import { problemOf, refusalOf, signIn } from '../../kit/process/open-server.ts'
import { sealRows } from '../../kit/store/seal-rows.ts'

const test = suite('DELETE /sessions')

/** So many sessions of one user, put into the file as one statement. */
function fill(
  { database, clock }: ReturnType<typeof openBackEnd>,
  count: number,
  sub: string,
): void {
  const fill = database.prepare(
    `insert into sessions (id, data, claims, sub, permanent, created_at, last_seen_at,
       idle_timeout_ms, lifetime_ms, sweep_at, version)
     with recursive n(i) as (select 1 union all select i + 1 from n where i < $count)
     select $sub || printf('-%016d', i), '{}', json_object('sub', $sub), $sub, 0, $now, $now,
       60000, 60000, $now + 60000, 1 from n`,
  )
  fill.run({ count, sub, now: clock.now() })
  sealRows(database)
}

/** A server with two sessions of ada, one of bob and one of nobody. */
async function openCrowd() {
  const server = openBackEnd()
  const phone = await server.create({ claims: { sub: 'ada' } })
  const laptop = await server.create({ claims: { sub: 'ada' } })
  const bob = await server.create({ claims: { sub: 'bob' } })
  const guest = await signIn(server.request, { sub: 'ada' })
  const stateOf = async (cookie: string) => {
    const answer = await server.request('GET /session', { cookie })
    return answer.ok ? 'live' : await endingOf(answer)
  }
  const states = async () =>
    await Promise.all([phone.cookie, laptop.cookie, bob.cookie, guest].map(stateOf))
  return { ...server, phone, laptop, bob, guest, states }
}

const LIVE = ['live', 'live', 'live', 'live']
const REVOKED = '410 session_ended revoked'

test('without a parameter it is refused, and the refusal says which there are', async () => {
  const { ask, states } = await openCrowd()
  for (const line of ['DELETE /sessions', 'DELETE /sessions?', 'DELETE /sessions?&']) {
    const { status, code, detail } = await problemOf(await ask(line))
    assert.equal([status, code], [400, 'bad_request'], line)
    assert.match(detail, /\?sub=USER.*\?all=true/)
  }
  assert.equal(await states(), LIVE)
})

test('a parameter that is malformed, misspelt, unknown or repeated ends nothing', async () => {
  const { ask, states, phone } = await openCrowd()
  for (const query of [
    'sub=',
    'sub',
    'all',
    'all=',
    'all=1',
    'all=yes',
    'all=TRUE',
    'all=false',
    'all=true%20',
    'sub=ada&all=true',
    'sub=ada&all=false',
    'sub=&all=true',
    `except=${phone.id}`,
    `sub=ada&expect=${phone.id}`,
    `sub=ada&Except=${phone.id}`,
    `sub=ada&exept=${phone.id}`,
    `sub=ada&except[]=${phone.id}`,
    `sub=ada&limit=1`,
    'sub=ada&after=0',
    'sub=ada&sub=bob',
    'sub=ada&sub=ada',
    'all=true&all=true',
    'all=true&a%6cl=false',
    `sub=ada&except=${phone.id}&except=${phone.id}`,
    'Sub=ada',
    'subs=ada',
    'user=ada',
    'sub=%ff',
    'sub=ada&=',
  ]) {
    assert.is(await refusalOf(await ask(`DELETE /sessions?${query}`)), '400 bad_request', query)
  }
  assert.equal(await states(), LIVE)
})

test('an exception that names nobody is refused: else an empty variable would end this one, too', async () => {
  const { ask, states, laptop } = await openCrowd()
  const { token } = laptop
  for (const except of [
    'except=',
    'except',
    'except=undefined',
    `except=${token}`,
    'except=an-id-of-no-session',
  ]) {
    const query = `sub=ada&${except}`
    assert.is(await refusalOf(await ask(`DELETE /sessions?${query}`)), '400 bad_request', query)
  }
  assert.equal(await states(), LIVE)
})

test('what a body asks for counts for nothing', async () => {
  const { ask, states } = await openCrowd()
  const answer = await ask('DELETE /sessions', { body: '{"sub":"ada","all":true}' })
  assert.is(await refusalOf(answer), '400 bad_request')
  assert.equal(await states(), LIVE)
})

test('?sub= logs a user out everywhere, and no other', async () => {
  const { ask, states } = await openCrowd()
  const answer = await ask('DELETE /sessions?sub=ada')
  assert.is(answer.status, 200)
  assert.is(await answer.text(), '{"ended":2,"more":false}')
  assert.equal(await states(), [REVOKED, REVOKED, 'live', 'live'])
  assert.is(await (await ask('DELETE /sessions?sub=ada')).text(), '{"ended":0,"more":false}')
})

test('?sub= of a user whom nobody knows, or of a pattern, ends none', async () => {
  const { ask, states } = await openCrowd()
  for (const sub of ['eve', 'ad', 'Ada', '%25', '*', "' or 1=1 --", 'ada,bob', '%20ada']) {
    const answer = await ask(`DELETE /sessions?sub=${sub.replaceAll(' ', '%20')}`)
    assert.is(await answer.text(), '{"ended":0,"more":false}', sub)
  }
  assert.equal(await states(), LIVE)
})

test('&except= logs a user out everywhere but here', async () => {
  const { ask, states, laptop } = await openCrowd()
  const answer = await ask(`DELETE /sessions?sub=ada&except=${laptop.id}`)
  assert.is(await answer.text(), '{"ended":1,"more":false}')
  assert.equal(await states(), [REVOKED, 'live', 'live', 'live'])
})

test('an exception that is the session of another user, or of nobody, saves none', async () => {
  const { ask, states, bob } = await openCrowd()
  const answer = await ask(`DELETE /sessions?except=${bob.id}&sub=ada`)
  assert.is(await answer.text(), '{"ended":2,"more":false}')
  assert.equal(await states(), [REVOKED, REVOKED, 'live', 'live'])
})

test('?all=true ends every session, also those of nobody and those without a token', async () => {
  const { ask, states } = await openCrowd()
  await ask('PUT /sessions/a-session-of-my-own', { body: '{}' })
  const answer = await ask('DELETE /sessions?all=true')
  assert.is(await answer.text(), '{"ended":5,"more":false}')
  assert.equal(await states(), [REVOKED, REVOKED, REVOKED, REVOKED])
  assert.is(await endingOf(await ask('GET /sessions/a-session-of-my-own')), REVOKED)
})

test('sessions that are over already keep their reason and are not counted', async () => {
  const { ask, create, request, clock } = openBackEnd()
  const left = await create({ claims: { sub: 'ada' } })
  const idle = await create({ claims: { sub: 'ada' }, idleTimeout: 1 })
  await request('DELETE /session', { cookie: left.cookie })
  clock.set(clock.now() + 1_000)
  assert.is(await (await ask('DELETE /sessions?sub=ada')).text(), '{"ended":0,"more":false}')
  assert.is(await endingOf(await ask(`GET /sessions/${left.id}`)), '410 session_ended logout')
  assert.is(await endingOf(await ask(`GET /sessions/${idle.id}`)), '410 session_ended idle_timeout')
})

test('a session that lives by activity of which the file does not know yet is ended, too', async () => {
  for (const query of ['sub=ada', 'all=true']) {
    const { ask, create, request, clock } = openBackEnd({ idleTimeoutMs: 2_000 })
    const { cookie } = await create({ claims: { sub: 'ada' } })
    clock.set(clock.now() + 1_500)
    await request('GET /session', { cookie })
    clock.set(clock.now() + 1_500)
    assert.is(await (await ask(`DELETE /sessions?${query}`)).text(), '{"ended":1,"more":false}')
    assert.is(await endingOf(await request('GET /session', { cookie })), REVOKED)
  }
})

test('whoever logs in afterwards is in', async () => {
  const { ask, create, request } = await openCrowd()
  await ask('DELETE /sessions?sub=ada')
  const { cookie } = await create({ claims: { sub: 'ada' } })
  assert.is((await request('GET /session', { cookie })).status, 200)
})

test('of over 10,000 sessions one call ends 10,000 and says that there are more', async () => {
  const server = openBackEnd()
  fill(server, 10_150, 'ada')
  fill(server, 10, 'bob')
  const endOf = async (query: string) =>
    await (await server.ask(`DELETE /sessions?${query}`)).json()
  const seventh = 'ada-0000000000000007'
  assert.equal(await endOf(`sub=ada&except=${seventh}`), { ended: 10_000, more: true })
  assert.equal(await endOf(`sub=ada&except=${seventh}`), { ended: 149, more: false })
  assert.is((await server.ask(`GET /sessions/${seventh}`)).status, 200)
  assert.equal(await endOf('all=true'), { ended: 11, more: false })
  const ended = "select count(*) from tombstones where reason = 'revoked'"
  assert.is(server.database.prepare(ended).pluck().get(), 10_160)
})

test('?all=true of over 10,000 sessions is called until there are no more', async () => {
  const server = openBackEnd()
  fill(server, 12_000, 'ada')
  const answers = []
  for (let more = true; more;) {
    const answer: { ended: number; more: boolean } = JSON.parse(
      await (await server.ask('DELETE /sessions?all=true')).text(),
    )
    answers.push(answer.ended)
    more = answer.more
  }
  assert.equal(answers, [10_000, 2_000])
  assert.equal(server.database.prepare('select id from sessions').all(), [])
})

test('a holder cannot log anybody out, not even itself here', async () => {
  const server = await openCrowd()
  const before = rowsOf(server)
  const { request, phone } = server
  for (const query of ['sub=ada', 'all=true', `sub=ada&except=${phone.id}`]) {
    const answer = await request(`DELETE /sessions?${query}`, { cookie: phone.cookie })
    assert.is(await refusalOf(answer), '401 api_key_required', query)
  }
  assert.equal(rowsOf(server), before)
})

test.run()
