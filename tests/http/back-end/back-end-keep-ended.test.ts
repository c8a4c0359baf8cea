import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { parseSessionLine, renderSessionLine } from '../../../lib/transfer/session-line.ts'
import { bodyOf, endingOf, openBackEnd } from '../../kit/clients/back-end.ts'
import { refusalOf } from '../../kit/process/open-server.ts'
import { sessionAt } from '../../kit/store/session-at.ts'

const test = suite('keepEnded')

const LINE = 'PUT /sessions/an-id-that-comes-back'
const ID = '/sessions/an-id-that-comes-back'

test('what is no time in seconds is refused, and a holder sets none', async () => {
  const { ask, request, create } = openBackEnd()
  const { id, cookie } = await create()
  for (const keepEnded of [-1, 0.5, '"0"', 'true', '[]', 3_650 * 86_400 + 1, '1e400']) {
    const body = `{"keepEnded":${keepEnded}}`
    for (const line of ['POST /sessions', `PUT /sessions/${id}`, `PATCH /sessions/${id}`]) {
      assert.is(await refusalOf(await ask(line, { body })), '422 invalid_argument', body)
    }
  }
  const own = await request('PATCH /session', { cookie, body: '{"keepEnded":0}' })
  assert.is(await refusalOf(own), '422 invalid_argument')
})

test('back ends see it where it is set, and holders never do', async () => {
  const { ask, request, create } = openBackEnd()
  const { id, cookie, keepEnded } = await create({ keepEnded: 60 })
  assert.is(keepEnded, 60)
  for (const [body, seen] of [
    ['{"keepEnded":0}', 0],
    ['{"set":{"a":1}}', 0],
    ['{"keepEnded":null}', undefined],
    ['{"keepEnded":315360000}', 315_360_000],
  ] as const) {
    assert.is((await bodyOf(await ask(`PATCH /sessions/${id}`, { body }))).keepEnded, seen)
    const own = await (await request('GET /session', { cookie })).text()
    assert.not.match(own, 'keepEnded')
  }
  assert.is((await bodyOf(await ask(`PUT /sessions/${id}`, { body: '{}' }))).keepEnded, undefined)
})

test('with 0 an id may be used again at once, by whatever it ended', async () => {
  const { ask, clock } = openBackEnd()
  const body = '{"keepEnded":0,"claims":{"sub":"ada"},"idleTimeout":60}'
  for (const end of [
    () => ask(`DELETE ${ID}`),
    () => ask('DELETE /sessions?sub=ada'),
    () => Promise.resolve(clock.advance(60_000)),
  ]) {
    assert.is((await ask(LINE, { body })).status, 201)
    assert.is((await ask(LINE, { body })).status, 200)
    await end()
    assert.is(await endingOf(await ask(`GET ${ID}`)), '404 session_not_found')
    const late = await ask(`PATCH ${ID}`, { body: '{"set":{"a":1}}' })
    assert.is(await endingOf(late), '404 session_not_found')
    const ifThere = await ask(LINE, { body, headers: { 'if-match': '*' } })
    assert.is(await refusalOf(ifThere), '412 precondition_failed')
  }
})

test('without it the setting says, and with a time the end is told for as long', async () => {
  const { ask, clock } = openBackEnd({ keepEndedMs: 3_600_000 })
  for (const [body, keptMs] of [
    ['{}', 3_600_000],
    ['{"keepEnded":60}', 60_000],
    ['{"keepEnded":7200}', 7_200_000],
  ] as const) {
    assert.is((await ask(LINE, { body })).status, 201)
    await ask(`DELETE ${ID}`)
    clock.advance(keptMs - 1)
    assert.is(await endingOf(await ask(LINE, { body: '{}' })), '410 session_ended revoked')
    clock.advance(1)
    assert.is(await endingOf(await ask(`GET ${ID}`)), '404 session_not_found')
  }
})

test('no ETag of an earlier session of an id is that of a later one', async () => {
  const { ask, clock } = openBackEnd()
  const body = '{"keepEnded":0}'
  const tags = new Set<string | null>()
  for (let n = 0; n < 3; n++) {
    clock.advance(10)
    const put = (await ask(LINE, { body })).headers.get('etag')
    const patched = await ask(`PATCH ${ID}`, { body: '{"set":{"a":1}}' })
    for (const tag of [put, patched.headers.get('etag')]) {
      assert.not(tags.has(tag), String(tag))
      tags.add(tag)
    }
    await ask(`DELETE ${ID}`)
  }
  clock.advance(10)
  await ask(LINE, { body })
  for (const tag of tags) {
    const headers = { 'if-match': tag ?? '' }
    const late = await ask(`PATCH ${ID}`, { body: '{"set":{"a":1}}', headers })
    assert.is(await refusalOf(late), '412 precondition_failed')
    const seen = await ask(`GET ${ID}`, { headers: { 'if-none-match': tag ?? '' } })
    assert.is(seen.status, 200)
  }
})

test('a log-in with it keeps the old token refused, which a late write shows', async () => {
  const { ask, request, create } = openBackEnd()
  const { cookie } = await create({ keepEnded: 0 })
  const body = '{"claims":{"sub":"ada"}}'
  assert.is((await ask('PATCH /session', { cookie, body })).status, 200)
  const late = await request('PUT /session/a', { cookie, body: '1' })
  assert.is(await endingOf(late), '410 session_ended renewed')
  assert.is(late.headers.get('set-cookie'), null)
})

test('an export has it and an import reads it', () => {
  for (const keepEndedMs of [0, 60_000]) {
    const session = sessionAt(5_000, { secretHash: null, keepEndedMs })
    assert.equal(parseSessionLine(renderSessionLine(session, true), 0), session)
  }
  const line = renderSessionLine(sessionAt(5_000, { keepEndedMs: -1 }), false)
  assert.throws(() => parseSessionLine(line, 0), /"keepEndedMs" must be an integer from 0 to/)
})

test.run()
