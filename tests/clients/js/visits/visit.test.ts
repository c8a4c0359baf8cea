import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { CoatcheckError, createClient } from '../../../../lib/clients/js/client.ts'
import {
  browserRequest,
  cookieFrom,
  openClientServer,
  recordAsks,
} from '../../../kit/clients/client-server.ts'
import { API_KEY } from '../../../kit/process/open-server.ts'

const test = suite('visit')

test('a read begins no session, and needs no request where there is no cookie', async () => {
  // Nobody listens there.
  const client = createClient<Record<string, unknown>>({
    url: 'http://127.0.0.1:9',
    apiKey: API_KEY,
  })
  const guest = client.visit(browserRequest())
  assert.is(await guest.get('user'), undefined)
  assert.is(await guest.get('user', 'nobody'), 'nobody')
  assert.equal(await guest.all(), {})
  assert.is(await guest.session(), undefined)
  assert.is(await guest.user(), undefined)
  assert.equal(await guest.flashes(), [])
  assert.is(await guest.pop('user', 'nobody'), 'nobody')
  await guest.clear()
  await guest.logout()
  assert.is(await guest.logoutEverywhere(), 0)
  assert.equal(guest.setCookies, [])
})

test('the first write begins a session, and the cookie that it sets opens it', async () => {
  const { visit, client, close } = await openClientServer()
  const first = visit()
  await first.set('user', 'ada')
  assert.is(await first.get('user'), 'ada')
  const [header = ''] = first.setCookies
  assert.match(header, /^sid=[\w-]{21}\.[\w-]{43}; Path=\/; HttpOnly; SameSite=Lax$/)
  const cookie = cookieFrom(first.setCookies)
  const again = visit(cookie)
  assert.is(await again.get('user'), 'ada')
  assert.equal(again.setCookies, [])
  const session = await again.session()
  const { device } = (await client.sessions.get(session?.id ?? '')) ?? {}
  assert.equal(device, { address: '192.0.2.7', userAgent: 'Tests/1' })
  await close()
})

test('writes of one request at the same time begin one session', async () => {
  const { visit, countSessions, close } = await openClientServer()
  const first = visit()
  await Promise.all([
    first.set('a', 1),
    first.increment('n', 2),
    first.append('list', 'x'),
    first.merge('prefs', { lang: 'en', size: null, deep: { a: 1, b: null } }),
    first.flash('Saved'),
    first.update({ b: 2, c: null }),
  ])
  assert.is(countSessions(), 1)
  const expected = {
    a: 1,
    n: 2,
    list: ['x'],
    prefs: { lang: 'en', deep: { a: 1 } },
    _flashes: [['info', 'Saved']],
    b: 2,
    c: null,
  }
  assert.equal(await visit(cookieFrom(first.setCookies)).all(), expected)
  await close()
})

test('each kind of change is made, and the request sees its own', async () => {
  const { visit, close } = await openClientServer()
  const first = visit()
  await first.set('n', 1)
  const cookie = cookieFrom(first.setCookies)
  const own = visit(cookie)
  assert.is(await own.get('n'), 1)
  assert.is(await own.increment('n'), 2)
  assert.is(await own.increment('n', -0.5), 1.5)
  assert.equal(await own.append('list', { a: 1 }), [{ a: 1 }])
  assert.equal(await own.merge('prefs', { lang: 'en' }), { lang: 'en' })
  assert.equal(await own.merge('prefs', { lang: null, size: 1 }), { size: 1 })
  await own.set('__proto__', { admin: true })
  await own.set('a/b ä', null)
  await own.update({ x: 1, y: undefined })
  assert.is(await own.pop('x'), 1)
  assert.is(await own.pop('x', 'none'), 'none')
  const all = await own.all()
  assert.equal(Object.keys(all).sort(), ['__proto__', 'a/b ä', 'list', 'n', 'prefs'])
  assert.equal(await visit(cookie).all(), all)
  await own.clear()
  assert.equal(await own.all(), {})
  assert.equal(await visit(cookie).all(), {})
  await close()
})

test('a stored null is a value: no fallback stands in for it', async () => {
  const { visit, close } = await openClientServer()
  const own = visit()
  await own.update({ a: null, b: null })
  const cookie = cookieFrom(own.setCookies)
  for (const read of [own, visit(cookie)]) {
    assert.is(await read.get('a'), null)
    assert.is(await read.get('a', 'none'), null)
    assert.is(await read.get('c', 'none'), 'none')
  }
  assert.is(await own.pop('a', 'none'), null)
  assert.is(await visit(cookie).pop('b', 'none'), null)
  assert.is(await own.pop('a', 'none'), 'none')
  await close()
})

test('a request reads once, until it asks for more', async () => {
  const { visit, close } = await openClientServer()
  const first = visit()
  await first.set('n', 1)
  const cookie = cookieFrom(first.setCookies)
  const slow = visit(cookie)
  assert.is(await slow.get('n'), 1)
  await visit(cookie).set('n', 2)
  assert.is(await slow.get('n'), 1)
  await slow.reload()
  assert.is(await slow.get('n'), 2)
  await close()
})

test('an assignment, as with express-session, is refused, and says what to do', async () => {
  const { visit, close } = await openClientServer()
  const own = visit() as unknown as Record<string, unknown>
  for (const key of ['user', 'cart', 'set', 'setCookies', 'toString']) {
    assert.throws(
      () => (own[key] = 'ada'),
      (error: CoatcheckError) =>
        error.code === 'invalid_argument' &&
        error.message.includes(`await session.set('${key}', value)`),
      key,
    )
  }
  // What is not strict would be silent, where an object is frozen.
  const assign = new Function('session', "session.user = 'ada'") as (session: object) => void
  assert.throws(() => assign(own), /Cannot assign to 'user'/)
  assert.throws(() => Object.assign(own, { cart: [] }), /Cannot assign to 'cart'/)
  await visit().set('user', 'ada')
  assert.is(own['cart'], undefined)
  assert.instance(own, Object)
  await close()
})

test('a message is shown once', async () => {
  const { visit, close } = await openClientServer()
  const first = visit()
  await first.flash('Saved')
  await first.flash('Disk full', 'error')
  const next = visit(cookieFrom(first.setCookies))
  assert.equal(await next.flashes(), [
    ['info', 'Saved'],
    ['error', 'Disk full'],
  ])
  assert.equal(await next.flashes(), [])
  await close()
})

test('a log-in renews, keeps the data, and a later write of the request goes to the new session', async () => {
  const { visit, countSessions, close } = await openClientServer()
  const guest = visit()
  await guest.set('cart', ['tea'])
  const before = cookieFrom(guest.setCookies)

  const login = visit(before)
  assert.equal(await login.get('cart'), ['tea'])
  await login.login('ada', { claims: { role: 'editor' }, data: { visits: 1 } })
  await login.append('cart', 'jam')
  assert.is(await login.user(), 'ada')
  const after = cookieFrom(login.setCookies)
  assert.is.not(after, before)
  assert.equal(await visit(after).all(), { cart: ['tea', 'jam'], visits: 1 })
  assert.equal((await visit(after).session())?.claims, { role: 'editor', sub: 'ada' })
  assert.is(await visit(before).session(), undefined)
  assert.is(countSessions(), 1)

  const again = visit(after)
  await again.login('ada')
  assert.is.not(cookieFrom(again.setCookies), after)
  assert.is(await visit(after).session(), undefined)
  await close()
})

test('who logs in has nothing of who was logged in before, but for the data', async () => {
  const { visit, client, clock, close } = await openClientServer()
  const ada = visit()
  await ada.set('cart', ['tea'])
  const month = 30 * 86_400
  const long = { permanent: true, idleTimeout: month, lifetime: month }
  await ada.login('ada', { claims: { role: 'admin' }, ...long })
  const bob = visit(cookieFrom(ada.setCookies))
  await bob.login('bob', { data: { visits: 1 } })
  const own = await visit(cookieFrom(bob.setCookies)).session()
  assert.ok(own)
  assert.equal(own.claims, { sub: 'bob' })
  assert.equal(own.data, { cart: ['tea'], visits: 1 })
  assert.is(own.permanent, false)
  assert.not.match(cookieHeader(bob.setCookies), /Max-Age/)
  const fresh = await client.sessions.create()
  assert.is(fresh.expiresAt, own.expiresAt)
  assert.is(Date.parse(own.lifetimeEndsAt) - clock.now(), 12 * 3_600_000)
  await close()
})

test('a log-in loses nothing of what other requests write at the same time', async () => {
  const { visit, close } = await openClientServer()
  const guest = visit()
  await guest.set('cart', [])
  const cookie = cookieFrom(guest.setCookies)
  const login = visit(cookie)
  const items = Array.from({ length: 20 }, (_, n) => n)
  const appended = items.map(async (n) => (await visit(cookie).append('cart', n)) !== undefined)
  await login.login('ada')
  const kept = (await Promise.all(appended)).filter(Boolean).length
  const cart = await visit(cookieFrom(login.setCookies)).get('cart', [])
  // Those that came after it had the cookie of before, and were told so.
  assert.is(Array.isArray(cart) && cart.length, kept)
  await close()
})

test('nobody can log in, and nothing is sent', async () => {
  const { visit, client, close } = await openClientServer()
  const bob = visit()
  await bob.login('bob', { claims: { role: 'admin' } })
  const cookie = cookieFrom(bob.setCookies)
  const asked = recordAsks(client)
  for (const sub of [undefined, null, '', 0, 7, {}, ['ada']] as unknown as string[]) {
    for (const own of [visit(), visit(cookie)]) {
      const error = await errorOf(() => own.login(sub, { claims: { role: 'x' } }))
      assert.is(error.code, 'invalid_argument')
      assert.match(error.message, 'Cannot log in: sub, the user, must be a string')
      assert.equal(own.setCookies, [])
    }
    const { code } = await errorOf(() => client.logoutEverywhere(sub))
    assert.is(code, 'invalid_argument', String(sub))
  }
  assert.equal(asked, [])
  assert.equal((await visit(cookie).session())?.claims, { role: 'admin', sub: 'bob' })
  await close()
})

test('of two log-ins with one cookie the second begins a session without the data', async () => {
  const { visit, countSessions, close } = await openClientServer()
  const guest = visit()
  await guest.set('cart', ['tea'])
  const cookie = cookieFrom(guest.setCookies)
  const [first, second] = [visit(cookie), visit(cookie)]
  await first.login('ada')
  await second.login('ada')
  assert.equal(await visit(cookieFrom(first.setCookies)).all(), { cart: ['tea'] })
  assert.equal(await visit(cookieFrom(second.setCookies)).all(), {})
  assert.is(countSessions(), 2)
  await close()
})

test('of two log-ins at once each takes along what its request has read, unless the session was logged out', async () => {
  const { visit, countSessions, close } = await openClientServer()
  const guest = visit()
  await guest.update({ cart: ['tea'], ['__proto__']: 1 })
  const cookie = cookieFrom(guest.setCookies)
  const [first, second, third] = [visit(cookie), visit(cookie), visit(cookie)]
  for (const each of [first, second, third]) await each.get('cart')
  await first.login('ada')
  await second.append('cart', 'lost')
  await second.login('ada', { data: { theme: 'dark' } })
  const data = JSON.parse('{"cart":["tea"],"__proto__":1,"theme":"dark"}') as object
  assert.equal(await visit(cookieFrom(second.setCookies)).all(), data)
  assert.is(countSessions(), 2)

  const guests = visit(cookieFrom(second.setCookies))
  await guests.get('cart')
  await visit(cookieFrom(second.setCookies)).logout()
  await guests.login('bob')
  assert.equal(await visit(cookieFrom(guests.setCookies)).all(), {})
  await close()
})

test('what a request has removed before its log-in does not come back by it, where another log-in was faster', async () => {
  const { visit, close } = await openClientServer()
  const guest = visit()
  await guest.update({ cart: ['tea'], code: 'once' })
  const cookie = cookieFrom(guest.setCookies)
  const [faster, popping, clearing] = [visit(cookie), visit(cookie), visit(cookie)]
  for (const each of [popping, clearing]) await each.all()
  await faster.login('ada')

  await popping.pop('code')
  await popping.login('ada')
  assert.equal(await visit(cookieFrom(popping.setCookies)).all(), { cart: ['tea'] })
  await clearing.clear()
  await clearing.login('ada')
  assert.equal(await visit(cookieFrom(clearing.setCookies)).all(), {})
  await close()
})

test('a log-in without a session begins one, of the kind that was asked for', async () => {
  const { visit, close } = await openClientServer()
  for (const cookie of ['', 'sid=nonsense', 'theme=dark']) {
    const login = visit(cookie)
    await login.login('ada', { permanent: true })
    assert.match(cookieHeader(login.setCookies), /; Max-Age=\d+/)
    const own = visit(cookieFrom(login.setCookies))
    assert.is(await own.user(), 'ada')
    assert.is((await own.session())?.permanent, true)
  }
  await close()
})

test('begun and logged in within one request, a browser is given one cookie', async () => {
  const { visit, close } = await openClientServer()
  const first = visit()
  await first.set('cart', [])
  await first.login('ada')
  await first.logout()
  await first.flash('Bye')
  const cookie = cookieFrom(first.setCookies)
  assert.equal(await visit(cookie).flashes(), [['info', 'Bye']])
  await close()
})

test('a log-out is final: what a slow request still writes is dropped', async () => {
  const { visit, client, countSessions, close } = await openClientServer()
  const first = visit()
  await first.set('user', 'ada')
  const cookie = cookieFrom(first.setCookies)
  const slow = visit(cookie)
  assert.is(await slow.get('user'), 'ada')
  const out = visit(cookie)
  await out.logout()
  assert.match(cookieHeader(out.setCookies), /^sid=; /)

  await slow.set('user', 'eve')
  assert.is(await slow.increment('n'), undefined)
  assert.is(await slow.pop('user', 'gone'), 'gone')
  assert.equal(slow.setCookies, [])
  assert.is(countSessions(), 0)
  assert.is(await client.sessions.count(), 0)
  await close()
})

test('a slow write with the cookie of before a log-in begins nothing', async () => {
  const { visit, countSessions, close } = await openClientServer()
  const first = visit()
  await first.set('cart', [])
  const before = cookieFrom(first.setCookies)
  await visit(before).login('ada')
  const slow = visit(before)
  await slow.set('cart', ['late'])
  assert.equal(slow.setCookies, [])
  assert.is(countSessions(), 1)
  await close()
})

test('who comes back after the session has expired gets a new one with the first write', async () => {
  const { visit, clock, close } = await openClientServer({ idleTimeoutMs: 60_000 })
  const first = visit()
  await first.set('n', 1)
  const cookie = cookieFrom(first.setCookies)
  clock.advance(60_000)
  const late = visit(cookie)
  assert.is(await late.get('n'), undefined)
  await late.set('n', 2)
  assert.is(await visit(cookieFrom(late.setCookies)).get('n'), 2)
  await close()
})

test('all sessions of a user end, and those of others stay', async () => {
  const { visit, client, close } = await openClientServer()
  const cookies: string[] = []
  for (const sub of ['ada', 'ada', 'ada', 'bob']) {
    const login = visit()
    await login.login(sub)
    cookies.push(cookieFrom(login.setCookies))
  }
  assert.is(await visit(cookies[0]).logoutEverywhere(), 3)
  assert.is(await visit(cookies[1]).session(), undefined)
  assert.is(await visit(cookies[3]).user(), 'bob')
  const { id = '' } = (await visit(cookies[3]).session()) ?? {}
  assert.is(await client.logoutEverywhere('bob', { except: id }), 0)
  assert.is(await client.logoutEverywhere('bob'), 1)
  await close()
})

test('over https the cookie is Secure, under its longer name', async () => {
  const { client, close } = await openClientServer()
  for (const [request, options] of [
    [{ ...browserRequest(), secure: true }, {}],
    [{ ...browserRequest(), socket: { encrypted: true } }, {}],
    [new Request('https://shop.example/'), {}],
    [browserRequest(), { secure: true }],
  ] as const) {
    const secure = client.visit(request, options)
    await secure.set('n', 1)
    assert.match(cookieHeader(secure.setCookies), /^__Host-Http-sid=[^;]+; .*Secure/)
    const cookie = cookieFrom(secure.setCookies)
    assert.is(await client.visit({ headers: new Headers({ cookie }) }).get('n'), 1)
  }
  await close()
})

test('of two session cookies that differ none counts, and both are replaced', async () => {
  const { visit, close } = await openClientServer()
  const cookies: string[] = []
  for (const user of ['ada', 'eve']) {
    const one = visit()
    await one.set('user', user)
    cookies.push(cookieFrom(one.setCookies))
  }
  const torn = visit(cookies.join('; '))
  assert.is(await torn.get('user'), undefined)
  await torn.set('user', 'bob')
  assert.is(await visit(cookieFrom(torn.setCookies)).get('user'), 'bob')
  await close()
})

test('bytes of other cookies pass, and what would end the header is refused', async () => {
  const { visit, close } = await openClientServer()
  const first = visit('theme=d\xe4rk; x="a b"')
  await first.set('n', 1)
  assert.is(await visit(`theme=d\xe4rk; ${cookieFrom(first.setCookies)}`).get('n'), 1)
  for (const cookie of ['a=b\r\nAuthorization: x', 'a=\u010d\u010a', 'a=\0']) {
    assert.throws(() => visit(cookie), /Cannot send Cookie/)
  }
  await close()
})

test('cookies of others may be larger than the server takes; one of its name with another value still counts', async () => {
  const { visit, close } = await openClientServer()
  const guest = visit()
  await guest.set('a', 1)
  const cookie = cookieFrom(guest.setCookies)
  const large = `x=${'y'.repeat(40_000)}; z=${'"'.repeat(20_000)}`
  assert.is(await visit(`${large}; ${cookie}`).get('a'), 1)
  assert.is(await visit(`${cookie};${large}`).increment('a'), 2)
  assert.is(await visit(`${cookie}; sid=${'y'.repeat(40_000)}`).get('a'), undefined)
  assert.is(await visit(`sid=${'y'.repeat(40_000)}`).get('a'), undefined)
  await close()
})

test('what the server refuses is an error with its code, and without the values', async () => {
  const { visit, close } = await openClientServer()
  const own = visit()
  await own.set('user', 'ada')
  for (const [doing, code, status] of [
    [() => own.increment('user'), 'wrong_type', 409],
    [() => own.set('big', 'x'.repeat(70_000)), 'session_too_large', 413],
    [() => own.login(' ada'), 'invalid_claims', 422],
    [() => own.set('', 1), 'invalid_argument', undefined],
    [() => own.increment(''), 'invalid_argument', undefined],
    [() => own.pop(''), 'invalid_argument', undefined],
    [() => own.set('\ud800', 1), 'invalid_argument', undefined],
    [() => own.set('f', () => 1), 'invalid_argument', undefined],
    [() => own.set('f', undefined), 'invalid_argument', undefined],
    [() => own.append('list', undefined), 'invalid_argument', undefined],
    [() => own.append('list', Symbol('x')), 'invalid_argument', undefined],
    [() => own.merge('o', undefined as never), 'invalid_argument', undefined],
    [() => own.merge('o', [1]), 'invalid_argument', undefined],
    [() => own.update(undefined as never), 'invalid_argument', undefined],
    [() => own.increment('n', NaN), 'invalid_argument', undefined],
    [() => own.increment('n', '1' as never), 'invalid_argument', undefined],
  ] as const) {
    const error = await errorOf(doing)
    assert.is(error.code, code)
    assert.is(error.serverStatus, status)
    assert.is(error.status, 500)
    assert.not(error.outcomeUnknown)
    assert.not(`${error.message} ${String(error.detail)}`.includes('xxxx'))
  }
  assert.is(await own.get('user'), 'ada')
  await close()
})

test.run()

function cookieHeader(setCookies: readonly string[]): string {
  cookieFrom(setCookies)
  return setCookies[0] ?? ''
}

async function errorOf(doing: () => Promise<unknown>): Promise<CoatcheckError> {
  try {
    await doing()
  } catch (error) {
    if (error instanceof CoatcheckError) return error
    throw error
  }
  throw new Error('It was not refused')
}
