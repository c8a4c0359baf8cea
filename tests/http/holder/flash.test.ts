/** Flash messages, as the manual makes them of an append and a pop: none is lost, each is read once. */
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { openBackEnd } from '../../kit/clients/back-end.ts'
import { cookieOf, refusalOf, type Request } from '../../kit/process/open-server.ts'

const test = suite('flash')

const TAKE = '/session/_flashes?default=[]'
const MANY = 25

test('a first flash begins a session, and a look for messages does not', async () => {
  const { request } = openBackEnd()
  const none = await request(`DELETE ${TAKE}`)
  assert.equal([none.status, await none.text(), cookieOf(none)], [200, '[]', ''])
  const flashed = await flash(request, '/session', '', 'error', 'Wrong password')
  assert.not.equal(cookieOf(flashed), '')
  assert.is(await take(request, '/session', cookieOf(flashed)), '[["error","Wrong password"]]')
})

test('messages come in order with their categories, byte for byte, and once', async () => {
  const { request } = openBackEnd()
  const cookie = cookieOf(await flash(request, '/session', '', 'info', 'naïve 😀 <b>'))
  await flash(request, '/session', cookie, 'error', '"quoted"')
  await flash(request, '/session', cookie, 'info', '')
  const all = JSON.stringify([
    ['info', 'naïve 😀 <b>'],
    ['error', '"quoted"'],
    ['info', ''],
  ])
  const looked = await request('GET /session/_flashes', { cookie })
  assert.is(await looked.text(), all)
  assert.is(await take(request, '/session', cookie), all)
  assert.is(await take(request, '/session', cookie), '[]')
})

test('messages outlive a renewal and a log-in, and not the session', async () => {
  const { request, ask } = openBackEnd()
  let cookie = cookieOf(await flash(request, '/session', '', 'info', 'one'))
  cookie = cookieOf(await request('POST /session/renew', { cookie }))
  const logIn = { cookie, body: '{"claims":{"sub":"ada"}}' }
  cookie = cookieOf(await ask('PATCH /session', logIn))
  assert.is(await take(request, '/session', cookie), '[["info","one"]]')
  await flash(request, '/session', cookie, 'info', 'two')
  await request('DELETE /session', { cookie })
  assert.is(await take(request, '/session', cookie), '[]')
})

test('a back end flashes by the cookie or the id, and where neither opens a session begins none', async () => {
  const { request, ask, create, store, clock } = openBackEnd()
  const { id, cookie } = await create()
  await flash(ask, `/sessions/${id}`, '', 'info', 'by id')
  await flash(ask, '/session', cookie, 'info', 'by cookie')
  assert.is(await take(request, '/session', cookie), '[["info","by id"],["info","by cookie"]]')
  assert.is(await take(ask, `/sessions/${id}`, ''), '[]')
  const body = '{"append":["info","lost"]}'
  const refused = await ask('PATCH /session/_flashes', { body })
  assert.is(await refusalOf(refused), '404 session_not_found')
  const nobody = await ask('PATCH /sessions/an-id-of-no-session/_flashes', { body })
  assert.is(await refusalOf(nobody), '404 session_not_found')
  assert.is(await store.count({ app: undefined, sub: undefined }, clock.now()), 1)
})

test('of 25 flashes at the same time none is lost, by the cookie and by the id together', async () => {
  const { request, ask, create } = openBackEnd()
  const { id, cookie } = await create()
  await Promise.all(
    Array.from({ length: MANY }, (_, n) =>
      n % 2 === 0
        ? flash(request, '/session', cookie, 'info', String(n))
        : flash(ask, `/sessions/${id}`, '', 'info', String(n)),
    ),
  )
  assert.equal(messagesIn(await take(request, '/session', cookie)), numbers())
})

test('two readers at the same time, while others flash: each message is read exactly once', async () => {
  const { request, ask, create } = openBackEnd()
  const { id, cookie } = await create()
  const steps = Array.from({ length: MANY }, (_, n) => [
    flash(request, '/session', cookie, 'info', String(n)),
    take(request, '/session', cookie),
    take(ask, `/sessions/${id}`, ''),
  ])
  const answers = await Promise.all(steps.flat())
  const taken = answers.filter((answer) => typeof answer === 'string')
  const last = await take(request, '/session', cookie)
  const read = [...taken, last].flatMap((list) => messagesIn(list))
  assert.equal(
    read.toSorted((a, b) => a - b),
    numbers(),
  )
  assert.is(await take(request, '/session', cookie), '[]')
})

test.run()

async function flash(
  request: Request,
  session: string,
  cookie: string,
  category: string,
  message: string,
): Promise<Response> {
  const body = JSON.stringify({ append: [category, message] })
  const answer = await request(`PATCH ${session}/_flashes`, { body, cookie })
  assert.is(answer.status, 200)
  return answer
}

async function take(request: Request, session: string, cookie: string): Promise<string> {
  const answer = await request(`DELETE ${session}/_flashes?default=[]`, { cookie })
  assert.is(answer.status, 200)
  return await answer.text()
}

function numbers(): number[] {
  return Array.from({ length: MANY }, (_, n) => n)
}

/** The messages of a list, as numbers. */
function messagesIn(list: string): number[] {
  const pairs: readonly (readonly [category: string, message: string])[] = JSON.parse(list)
  return pairs.map(([, message]) => Number(message)).toSorted((a, b) => a - b)
}
