import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type AppName, APPS, openApps } from '../../kit/clients/apps.ts'
import { bodyOf, cookieFor, endingOf, listOf, rowsOf } from '../../kit/clients/back-end.ts'
import { cookieOf, problemOf, refusalOf, sessionOf, signIn } from '../../kit/process/open-server.ts'

const test = suite('apps')

const ID = 'an-id-that-all-of-them-chose'
const ADA = { claims: { sub: 'ada' } }
const NOT_FOUND = '404 session_not_found'
const NAMED = APPS.filter((app) => app !== undefined)

/** As the key without an app is shown it. */
function full(app: AppName, id: string): string {
  return app === undefined ? id : `${app}~${id}`
}

test('the same id in each app is a session of its own, seen by that app alone', async () => {
  const { of } = await openApps()
  for (const app of APPS) {
    const answer = await of(app).put(ID, { data: { app: app ?? 'none' }, ...ADA })
    assert.is(answer.status, 201, app)
    assert.is(answer.headers.get('location'), `/sessions/${ID}`)
    assert.is((await bodyOf(answer)).id, ID)
  }
  for (const app of APPS) {
    const answer = await of(app).ask(`GET /sessions/${ID}`)
    const { id, data } = await bodyOf(answer)
    assert.equal([id, data], [ID, { app: app ?? 'none' }])
    assert.is(await (await of(app).ask(`GET /sessions/${ID}/app`)).json(), app ?? 'none')
  }
  assert.equal(
    await of(undefined).list(),
    APPS.map((app) => full(app, ID)),
  )
  for (const app of NAMED) assert.equal(await of(app).list(), [ID])
})

test("each way to another app's session finds nothing, and changes nothing", async () => {
  const { of, ...server } = await openApps()
  const victim = await of('shop').create({ data: { a: 1 }, ...ADA })
  await of('shop').put(ID)
  await of(undefined).put('of-the-app-without-a-name')
  const before = rowsOf(server)
  const ids = [
    ...[victim.id, ID, `shop~${ID}`, `shop%7E${ID}`, `shop%7e${ID}`, `~${ID}`, `%7E${ID}`],
    ...[`SHOP~${ID}`, `s~shop~${ID}`, `s~hop~${ID}`, 'of-the-app-without-a-name'],
    ...[`..%2Fsessions%2Fshop~${ID}`, `shop~${ID}%00`, `%00shop~${ID}`],
  ]
  const body = '{"data":{"b":2}}'
  for (const app of ['s', 'shop-b'] as const) {
    for (const id of ids) {
      for (const [line, more] of [
        [`GET /sessions/${id}`, {}],
        [`HEAD /sessions/${id}`, {}],
        [`GET /sessions/${id}/a`, {}],
        [`GET /sessions/${id}/a?default=1`, {}],
        [`PATCH /sessions/${id}`, { body }],
        [`DELETE /sessions/${id}`, {}],
        [`PUT /sessions/${id}/a`, { body }],
        [`PATCH /sessions/${id}/a`, { body: '{"increment":1}' }],
        [`DELETE /sessions/${id}/a`, {}],
        [`POST /sessions/${id}/renew`, {}],
        [`POST /sessions/${id}/clear`, {}],
      ] as const) {
        const answer = await of(app).ask(line, more)
        assert.is(answer.status, 404, `${app}: ${line}`)
        if (!line.startsWith('HEAD')) assert.is(await refusalOf(answer), NOT_FOUND, line)
      }
    }
  }
  assert.equal(rowsOf(server), before)
})

test('an id that no app can give is refused, and none of it gets into another app', async () => {
  const { of, ...server } = await openApps()
  const before = rowsOf(server)
  for (const id of [`shop~${ID}`, `shop%7E${ID}`, `~${ID}`, `a~b~${ID}`, `SHOP~${ID}`]) {
    const answer = await of('s').put(id)
    const { status, code, detail } = await problemOf(answer)
    assert.equal([status, code], [422, 'invalid_argument'], id)
    assert.match(
      detail,
      'Cannot use this id: it must be 1 to 128 printable characters, none of them ~',
    )
  }
  for (const id of [
    ...[
      `~${ID}`,
      `a~b~${ID}`,
      `SHOP~${ID}`,
      `-a~${ID}`,
      `a_b~${ID}`,
      `shop~`,
      'shop~.',
      'shop~%20',
    ],
    ...[`${'a'.repeat(33)}~${ID}`, `shop~${'a'.repeat(129)}`, `shop~${ID}%0A`, `sh%C3%B6p~${ID}`],
  ]) {
    const answer = await of(undefined).put(id)
    assert.is(await refusalOf(answer), '422 invalid_argument', id)
  }
  assert.equal(rowsOf(server), before)
})

test('a key without an app names, creates, changes and ends the sessions of each', async () => {
  const { of } = await openApps()
  const all = of(undefined)
  for (const name of [`shop~${ID}`, `${'a'.repeat(32)}~${'x'.repeat(128)}`]) {
    const created = await all.put(name, ADA)
    assert.equal([created.status, created.headers.get('location')], [201, `/sessions/${name}`])
    assert.is((await bodyOf(created)).id, name)
    assert.is(
      (await all.ask(`PUT /sessions/${name.replace('~', '%7E')}/k`, { body: '1' })).status,
      204,
    )
    assert.is(await (await all.ask(`GET /sessions/${name}/k`)).json(), 1)
  }
  assert.is((await bodyOf(await of('shop').ask(`GET /sessions/${ID}`))).id, ID)
  assert.is((await all.ask(`DELETE /sessions/shop~${ID}`)).status, 204)
  const answer = await of('shop').ask(`GET /sessions/${ID}`)
  assert.is(await endingOf(answer), '410 session_ended revoked')
  const own = await all.create()
  assert.match(own.id, /^[\w-]{21}$/)
  assert.equal(await of('shop').list(), [])
})

test('what has ended in one app is told there alone, and the id is free in another', async () => {
  const { of } = await openApps()
  for (const app of ['shop', 's'] as const) await of(app).put(ID)
  await of('shop').ask(`DELETE /sessions/${ID}`)
  const ended = await of('shop').ask(`GET /sessions/${ID}`)
  assert.is(await endingOf(ended), '410 session_ended revoked')
  assert.is((await of('s').ask(`GET /sessions/${ID}`)).status, 200)
  for (const app of ['shop-b', undefined] as const) {
    assert.is(await endingOf(await of(app).ask(`GET /sessions/${ID}`)), NOT_FOUND)
    assert.is((await of(app).put(ID)).status, 201)
  }
  assert.is(await endingOf(await of('shop').put(ID)), '410 session_ended revoked')
})

test('lists, pages and counts are those of the app, and of all for a key without one', async () => {
  const { of } = await openApps()
  const made: Record<string, string[]> = {}
  for (let round = 0; round < 5; round++) {
    for (const app of APPS) {
      const { id } = await of(app).create(round % 2 === 0 ? ADA : {})
      ;(made[String(app)] ??= []).push(id)
    }
  }
  for (const app of NAMED) {
    const ids = made[app] ?? []
    assert.equal(await of(app).list(), ids)
    assert.equal(
      await of(app).list('&sub=ada'),
      ids.filter((_, at) => at % 2 === 0),
    )
    assert.equal([await of(app).count(), await of(app).count('&sub=ada')], [5, 3])
    assert.is(await of(app).count('&sub=eve'), 0)
  }
  const all = await of(undefined).list()
  assert.equal(
    new Set(all),
    new Set(APPS.flatMap((app) => (made[String(app)] ?? []).map((id) => full(app, id)))),
  )
  assert.equal([await of(undefined).count(), await of(undefined).count('&sub=ada')], [20, 12])
})

test('a count is asked for alone: no page of it, no other value', async () => {
  const { of } = await openApps()
  for (const query of [
    ...['count=true&limit=1', 'count=true&after=1', 'count=1', 'count=', 'count=TRUE'],
    ...['count=true&count=true', 'count=true&all=true', 'count=true&sub=', 'count=true&app=s'],
  ]) {
    const answer = await of('shop').ask(`GET /sessions?${query}`)
    assert.is(await refusalOf(answer), '400 bad_request', query)
  }
  assert.equal(await (await of('shop').ask('GET /sessions?count=true')).json(), { count: 0 })
  const page = await listOf(await of('shop').ask('GET /sessions?count=false&limit=1'))
  assert.equal(page, { sessions: [], next: null })
})

test('a key of all apps lists, counts and ends those of one app that it names', async () => {
  const { of, logged } = await openApps()
  const all = of(undefined)
  for (const app of APPS) for (const session of [ADA, ADA, {}]) await of(app).create(session)
  for (const app of NAMED) {
    assert.equal([await all.count(`&app=${app}`), await all.count(`&app=${app}&sub=ada`)], [3, 2])
    const own = (await of(app).list()).map((id) => full(app, id))
    assert.equal(await all.list(`&app=${app}`), own)
  }
  const bob = await all.ask('DELETE /sessions?sub=ada&app=shop')
  assert.equal(await bob.json(), { ended: 2, more: false })
  assert.match(logged.at(-1) ?? '', '"by":"all","client":"192.0.2.1","app":"shop","sub":"ada"')
  const rest = await all.ask('DELETE /sessions?all=true&app=shop')
  assert.equal(await rest.json(), { ended: 1, more: false })
  assert.equal([await all.count(), await all.count('&app=nobody')], [9, 0])
})

test('no key reaches another app by its name, and what is no name is refused', async () => {
  const { of, ...server } = await openApps()
  await of('shop').create(ADA)
  const before = rowsOf(server)
  for (const [caller, app] of [
    ...(['shop-b', '', 's%00', 'SHOP', 'shop~'] as const).map((app) => ['shop', app] as const),
    ...(['', 'SHOP', 'shop~', '-', '%20'] as const).map((app) => [undefined, app] as const),
    ['s', 'shop'],
  ] as const) {
    for (const line of [
      'GET /sessions?',
      'GET /sessions?count=true&',
      'DELETE /sessions?all=true&',
    ]) {
      const answer = await of(caller).ask(`${line}app=${app}`)
      assert.is(await refusalOf(answer), '400 bad_request', `${caller}: ${line}${app}`)
    }
  }
  assert.equal(rowsOf(server), before)
  assert.is(await of('shop').count('&app=shop'), 1)
})

test("a cursor of another app's list shows no session but one's own", async () => {
  const { of } = await openApps()
  for (let round = 0; round < 3; round++) {
    for (const app of NAMED) await of(app).create()
  }
  const own = await of('s').list()
  const { next } = await listOf(await of('shop').ask('GET /sessions?limit=1'))
  const { sessions } = await listOf(await of('s').ask(`GET /sessions?after=${next}`))
  assert.ok(sessions.length > 0 && sessions.every(({ id }) => own.includes(id)))
})

test("an app's DELETE of all ends its own, and of a user that user's there", async () => {
  const { of } = await openApps()
  for (const app of APPS) {
    for (let round = 0; round < 2; round++) await of(app).create(ADA)
    await of(app).create()
  }
  const ofAda = await of('s').ask('DELETE /sessions?sub=ada')
  assert.equal(await ofAda.json(), { ended: 2, more: false })
  const ofAll = await of('shop').ask('DELETE /sessions?all=true')
  assert.equal(await ofAll.json(), { ended: 3, more: false })
  const counts = await Promise.all(APPS.map((app) => of(app).count()))
  assert.equal(counts, [3 + 0 + 3 + 1, 0, 3, 1])
  const everybody = await of(undefined).ask('DELETE /sessions?all=true')
  assert.equal(await everybody.json(), { ended: 7, more: false })
})

test("?except= spares a session of one's own, by the id that one gives", async () => {
  const { of } = await openApps()
  for (const app of APPS) {
    await of(app).put(ID, ADA)
    await of(app).create(ADA)
  }
  const spared = await of('shop').ask(`DELETE /sessions?sub=ada&except=${ID}`)
  assert.equal(await spared.json(), { ended: 1, more: false })
  assert.equal(await of('shop').list(), [ID])
  for (const other of [`shop~${ID}`, `s~${ID}`, `shop%7E${ID}`, '~']) {
    const refused = await of('s').ask(`DELETE /sessions?all=true&except=${other}`)
    assert.is(await refusalOf(refused), '400 bad_request', other)
  }
  const byAll = await of(undefined).ask(`DELETE /sessions?sub=ada&except=shop~${ID}`)
  assert.equal(await byAll.json(), { ended: 6, more: false })
  assert.equal(await of(undefined).list(), [`shop~${ID}`])
})

test('the limit of sessions of a user holds within one app, and evicts there', async () => {
  const { of, clock } = await openApps({ maxSessionsPerSub: 2 })
  const oldest = new Map<AppName, string>()
  for (const app of APPS) {
    for (let round = 0; round < 2; round++) {
      clock.advance(1_000)
      const { id, evicted } = await of(app).create(ADA)
      assert.equal(evicted, [])
      if (round === 0) oldest.set(app, id)
    }
  }
  for (const app of ['s', undefined] as const) {
    const { evicted } = await of(app).create(ADA)
    assert.equal(evicted, [oldest.get(app)])
    const ended = await of(app).ask(`GET /sessions/${oldest.get(app)}`)
    assert.is(await endingOf(ended), '410 session_ended evicted')
  }
  const other = await of('shop').create()
  const changed = await of('shop').ask(`PATCH /sessions/${other.id}`, { body: JSON.stringify(ADA) })
  assert.equal((await bodyOf(changed)).evicted, [oldest.get('shop')])
  assert.equal(await of(undefined).count('&sub=ada'), 8)
  assert.is((await of('shop-b').ask(`GET /sessions/${oldest.get('shop-b')}`)).status, 200)
})

test('a key without an app is shown whom a change evicts by full ids', async () => {
  const { of } = await openApps({ maxSessionsPerSub: 1 })
  const first = await of('shop').create(ADA)
  const second = await of(undefined).put(`shop~${ID}`, ADA)
  assert.equal((await bodyOf(second)).evicted, [`shop~${first.id}`])
})

test('a session of an app has a token that opens it for its holder, who sees the plain id', async () => {
  const { of, request } = await openApps()
  const { id, token, cookie, setCookie } = await of('shop').create({ data: { a: 1 }, ...ADA })
  assert.match(token ?? '', new RegExp(`^shop~${id}\\.[\\w-]{43}$`))
  assert.match(setCookie ?? '', `sid=${token}; Path=/; HttpOnly; SameSite=Lax`)
  const session = await sessionOf(await request('GET /session', { cookie }))
  assert.equal([session.id, session.data], [id, { a: 1 }])
  const bearer = await request('GET /session/a', { headers: { authorization: `Bearer ${token}` } })
  assert.is(await bearer.json(), 1)
  const verified = await request('GET /verify', { cookie })
  assert.equal([verified.status, verified.headers.get('session-id')], [200, id])
  assert.is((await sessionOf(verified)).id, id)
  assert.is((await request('PUT /session/b', { cookie, body: '2' })).status, 204)
  const patched = await request('PATCH /session', { cookie, body: '{"data":{"c":3}}' })
  assert.equal([(await sessionOf(patched)).id, patched.headers.get('etag')], [id, '"3"'])
  assert.is((await request('DELETE /session', { cookie })).status, 204)
  assert.is(await endingOf(await request('GET /session', { cookie })), '410 session_ended logout')
})

test('a token with another app, another id or another secret opens nothing', async () => {
  const { of, request } = await openApps()
  await of('s').put(ID)
  const { token = '', id } = await of('shop').create()
  const own = await of(undefined).create()
  const [, secret = ''] = token.split('.')
  for (const forged of [
    ...[`s~${id}.${secret}`, `shop-b~${id}.${secret}`, `${id}.${secret}`, `~${id}.${secret}`],
    ...[`SHOP~${id}.${secret}`, `shop~shop~${id}.${secret}`, `shop%7E${id}.${secret}`, 'shop~'],
    ...[`shop~.${secret}`, `shop.${secret}`, `shop~${own.token}`, `shop~${id}`, `shop~${id}.`],
    ...[`${'x'.repeat(33)}~${id}.${secret}`, `shop~${id}.${secret.slice(1)}a`],
  ]) {
    const headers = { authorization: `Bearer ${forged}` }
    for (const ask of [{ cookie: cookieFor(forged) }, { headers }]) {
      assert.is(await refusalOf(await request('GET /session', ask)), NOT_FOUND, forged)
      assert.is((await request('GET /verify', ask)).status, 401, forged)
    }
  }
})

test("a key beside a cookie of another app's session finds nothing, as beside none", async () => {
  const { of, request, ...server } = await openApps()
  const { cookie } = await of('shop').create({ data: { a: 1 }, ...ADA })
  const nameless = await signIn(request, { a: 1 })
  const before = rowsOf(server)
  for (const [app, theirs] of [
    ['s', cookie],
    ['shop-b', cookie],
    ['shop', nameless],
    ['s', nameless],
  ] as const) {
    for (const [line, body] of [
      ['GET /session', undefined],
      ['GET /session/a', undefined],
      ['PUT /session/a', '2'],
      ['PATCH /session', '{"claims":{"sub":"eve"}}'],
      ['PATCH /session/a', '{"increment":1}'],
      ['DELETE /session/a', undefined],
      ['POST /session/renew', undefined],
      ['POST /session/clear', undefined],
      ['DELETE /session', undefined],
    ] as const) {
      const more = { cookie: theirs, ...(body === undefined ? {} : { body }) }
      const { status, code, ...rest } = await problemOf(await of(app).ask(line, more))
      assert.equal([status, code], [404, 'session_not_found'], `${app}: ${line}`)
      // As for a token that nobody has.
      const unknown = { ...more, cookie: `sid=${'x'.repeat(21)}.${'y'.repeat(43)}` }
      assert.equal(rest, withoutStatus(await problemOf(await of(app).ask(line, unknown))))
    }
  }
  assert.equal(rowsOf(server), before)
})

test("a key beside the cookie of an app's session, and one without an app, may write its claims", async () => {
  const { of } = await openApps()
  const { cookie, id } = await of('shop').create({ data: { a: 1 } })
  const shown = await bodyOf(await of('shop').ask('GET /session', { cookie }))
  assert.is(shown.id, id)
  const byAll = await bodyOf(await of(undefined).ask('GET /session', { cookie }))
  assert.is(byAll.id, `shop~${id}`)
  const body = JSON.stringify(ADA)
  const changed = await of('shop').ask('PATCH /session', { cookie, body })
  assert.is(changed.status, 200)
  const renewed = cookieOf(changed)
  assert.match(renewed, /^sid=shop~[\w-]{21}\.[\w-]{43}$/)
  assert.is((await bodyOf(changed)).id, /~(.*)\./.exec(renewed)?.[1])
  const ended = await of('s').ask('GET /session', { cookie })
  assert.is(await refusalOf(ended), NOT_FOUND)
  assert.is(
    await endingOf(await of('shop').ask('GET /session', { cookie })),
    '410 session_ended renewed',
  )
})

test('a renewed session stays in its app, whoever renews it', async () => {
  const { of, request } = await openApps()
  const first = await of('shop').create({ data: { a: 1 } })
  const byHolder = await request('POST /session/renew', { cookie: first.cookie })
  const cookie = cookieOf(byHolder)
  assert.match(cookie, /^sid=shop~[\w-]{21}\.[\w-]{43}$/)
  const { id } = await sessionOf(await request('GET /session', { cookie }))
  assert.equal(await of('shop').list(), [id])
  const byApp = await bodyOf(await of('shop').ask(`POST /sessions/${id}/renew`))
  assert.match(byApp.token ?? '', new RegExp(`^shop~${byApp.id}\\.`))
  const byAll = await bodyOf(await of(undefined).ask(`POST /sessions/shop~${byApp.id}/renew`))
  assert.match(byAll.id, /^shop~[\w-]{21}$/)
  assert.is(byAll.token?.startsWith(`${byAll.id}.`), true)
  const body = JSON.stringify(ADA)
  const logIn = await bodyOf(await of(undefined).ask(`PATCH /sessions/${byAll.id}`, { body }))
  assert.match(logIn.id, /^shop~[\w-]{21}$/)
  assert.equal(await of('shop').list('&sub=ada'), [logIn.id.slice('shop~'.length)])
  const old = await of('shop').ask(`GET /sessions/${first.id}`)
  assert.is(await endingOf(old), '410 session_ended renewed')
})

test("what a holder begins is in the app without a name, also in place of an app's", async () => {
  const { of, request } = await openApps()
  const { cookie, id } = await of('shop').create()
  await of('shop').ask(`DELETE /sessions/${id}`)
  const begun = await request('PUT /session/a', { cookie, body: '1' })
  assert.match(cookieOf(begun), /^sid=[\w-]{21}\.[\w-]{43}$/)
  assert.equal([await of('shop').count(), await of(undefined).count()], [0, 1])
  const forged = `sid=shop~${'x'.repeat(21)}.${'y'.repeat(43)}`
  const other = await request('PUT /session/a', { cookie: forged, body: '1' })
  assert.match(cookieOf(other), /^sid=[\w-]{21}\.[\w-]{43}$/)
  assert.is(await of('shop').count(), 0)
})

test('a damaged session of an app is named to it by the plain id', async () => {
  const { of, database } = await openApps()
  await of('shop').put(ID)
  await of('s').put(ID)
  database.exec(`update sessions set data = '{"x":1}'`)
  const page = async (app: AppName) => (await of(app).ask('GET /sessions')).json()
  assert.equal(await page('shop'), { sessions: [], next: null, damaged: [ID] })
  assert.equal(await page('shop-b'), { sessions: [], next: null })
  const damaged = [`shop~${ID}`, `s~${ID}`]
  assert.equal(await page(undefined), { sessions: [], next: null, damaged })
})

test('a key whose app is no app of a session changes nothing of what it creates', async () => {
  const { of } = await openApps()
  const { id, evicted } = await of('shop').create(ADA)
  assert.match(id, /^[\w-]{21}$/)
  assert.equal(evicted, [])
  const again = await of('shop').put(ID, { data: { a: 1 } })
  assert.equal([again.status, again.headers.get('etag')], [201, '"1"'])
  const next = await of('shop').put(ID, { data: { a: 2 } })
  assert.equal([next.status, next.headers.get('etag')], [200, '"2"'])
  assert.is((await of('s').put(ID)).headers.get('etag'), '"1"')
  const excluded = await of('shop-b').ask(`PUT /sessions/${ID}`, {
    body: '{}',
    headers: { 'if-none-match': '*' },
  })
  assert.is(excluded.status, 201)
})

function withoutStatus(problem: Awaited<ReturnType<typeof problemOf>>): object {
  const { status: _, code: __, ...rest } = problem
  return rest
}

test.run()
