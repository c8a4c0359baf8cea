/** What a dashboard's session is to everybody else: nothing. */
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { hashSecret } from '../../../lib/session/token.ts'
import { bodyOf, openBackEnd, rowsOf } from '../../kit/clients/back-end.ts'
import { problemOf, refusalOf } from '../../kit/process/open-server.ts'
import { sessionAt } from '../../kit/store/session-at.ts'

const test = suite('reserved ids')

/** As long as a minted id, so that its token has the shape of one. */
const ID = 'dashboard-01234567890'
const SECRET = 's'.repeat(43)

async function openWithReserved() {
  const server = openBackEnd()
  const session = sessionAt(server.clock.now(), { id: ID, secretHash: hashSecret(SECRET) })
  await server.store.insert(session)
  return server
}

test('no back end may choose one, in an app neither', async () => {
  const server = openBackEnd()
  for (const id of [ID, `shop~${ID}`, 'dashboard-a-name-of-mine']) {
    const { detail, code } = await problemOf(
      await server.ask(`PUT /sessions/${id}`, { body: '{}' }),
    )
    assert.is(code, 'invalid_argument')
    assert.match(detail, 'must not begin with "dashboard-"')
  }
  assert.equal(rowsOf(server), [])
  const near = await server.ask('PUT /sessions/dashboards-of-mine', { body: '{}' })
  assert.is((await bodyOf(near)).id, 'dashboards-of-mine')
})

test('by its id nothing is found, whatever the method', async () => {
  const server = await openWithReserved()
  const before = rowsOf(server)
  const lines = ['GET', 'HEAD', 'DELETE', 'PATCH'].map((method) => `${method} /sessions/${ID}`)
  for (const line of [
    ...lines,
    `GET /sessions/${ID}/key`,
    `PUT /sessions/${ID}/key`,
    `POST /sessions/${ID}/renew`,
    `POST /sessions/${ID}/clear`,
  ]) {
    const answer = await server.ask(line, { body: '{}' })
    assert.is(answer.status, 404, line)
  }
  assert.equal(rowsOf(server), before)
})

test('its token opens nothing', async () => {
  const { request, ask } = await openWithReserved()
  const cookie = `sid=${ID}.${SECRET}`
  const refused = await request('GET /session', { cookie })
  assert.is(await refusalOf(refused), '404 session_not_found')
  assert.is((await request('GET /verify', { cookie })).status, 401)
  assert.is((await ask('GET /session', { cookie })).status, 404)
  const bearer = { headers: { authorization: `Bearer ${ID}.${SECRET}` } }
  assert.is((await request('GET /session', bearer)).status, 404)
})

test('it is in no list, no count, and DELETE of all leaves it', async () => {
  const server = await openWithReserved()
  await server.create({})
  const list = JSON.parse(await (await server.ask('GET /sessions')).text())
  assert.is(list.sessions.length, 1)
  assert.not.match(list.sessions[0].id, 'dashboard')
  assert.is(await (await server.ask('GET /sessions?count=true')).text(), '{"count":1}')
  const ended = await server.ask('DELETE /sessions?all=true')
  assert.is(await ended.text(), '{"ended":1,"more":false}')
  assert.is((await server.store.find(ID, server.clock.now())).state, 'live')
  assert.match(server.metrics.render('prometheus'), '\ncoatcheck_sessions 0\n')
})

test.run()
