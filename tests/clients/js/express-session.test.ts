import { EventEmitter } from 'node:events'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { CoatcheckError } from '../../../lib/clients/js/errors.ts'
import type { ClientOptions } from '../../../lib/clients/js/client.ts'
import { CoatcheckStore } from '../../../lib/clients/js/express-session.ts'
import { openClientServer, recordAsks } from '../../kit/clients/client-server.ts'
import type { ServerOptions } from '../../kit/process/open-server.ts'

const test = suite('express-session store')

const COOKIE = { originalMaxAge: null, path: '/', httpOnly: true }

test('a session is kept as it was set, and is gone once it was destroyed', async () => {
  const { get, set, destroy, length, all, clear, close } = await openStore()
  assert.is(await get('none'), null)
  await set('123', { foo: 'bar', cookie: COOKIE })
  assert.equal(await get('123'), { foo: 'bar', cookie: COOKIE })
  await set('456', { list: [1, { a: null }], cookie: COOKIE })
  assert.is(await length(), 2)
  assert.equal((await all()).map((session) => Object.keys(session).sort().join()).sort(), [
    'cookie,foo',
    'cookie,list',
  ])
  await destroy('456')
  await destroy('456')
  assert.is(await get('456'), null)
  assert.is(await length(), 1)
  await clear()
  assert.is(await length(), 0)
  await close()
})

/** Its own test wants `ids` beside, which a store cannot tell that keeps hashes of them. */
test('the life of sessions is as connect-redis tests it', async () => {
  const { get, set, touch, destroy, length, clear, clock, client, close } = await openStore()
  const left = async () => {
    let seconds = 0
    for await (const { expiresAt, data } of client.sessions.list()) {
      if (!('foo' in data)) seconds = (Date.parse(expiresAt) - clock.now()) / 1_000
    }
    return seconds
  }
  const inSeconds = (seconds: number) => new Date(Date.now() + seconds * 1_000)
  await clear()
  const session = { foo: 'bar', cookie: { originalMaxAge: null } }
  await set('123', session)
  assert.equal(await get('123'), session)
  await set('456', { cookie: { originalMaxAge: null, expires: inSeconds(60) } })
  assert.ok((await left()) <= 60)
  await touch('456', { cookie: { originalMaxAge: null, expires: inSeconds(90) } })
  assert.ok((await left()) > 60)
  assert.is(await length(), 2)
  await destroy('456')
  assert.is(await length(), 1)
  await clear()
  assert.is(await length(), 0)

  const many = Array.from({ length: 250 }, (_, n) => `s${n}`)
  await Promise.all(many.map((sid) => set(sid, { cookie: { expires: inSeconds(1) } })))
  assert.is(await length(), many.length)
  await clear()
  assert.is(await length(), 0)

  await set('789', { cookie: { originalMaxAge: null, expires: inSeconds(90) } })
  assert.is(await length(), 1)
  await set('789', { cookie: { originalMaxAge: null, expires: inSeconds(-90) } })
  assert.is(await length(), 0)
  await close()
})

test('a touch of what was not read before changes nothing but the cookie, and begins no session', async () => {
  const { get, set, touch, length, close } = await openStore()
  const expires = new Date(Date.now() + 90_000)
  await touch('123', { cookie: { originalMaxAge: null, expires } })
  assert.is(await length(), 0)
  await set('123', { foo: 'bar', cookie: COOKIE })
  await touch('123', { mine: true, cookie: { ...COOKIE, expires } })
  assert.equal(await get('123'), {
    foo: 'bar',
    cookie: { ...COOKIE, expires: expires.toISOString() },
  })
  await close()
})

test('it is an emitter of events, which frameworks listen to', async () => {
  const { store, close } = await openStore()
  assert.instance(store, EventEmitter)
  await close()
})

test('an id is never in the store: who reads the file cannot open a session', async () => {
  const { set, database, client, close } = await openStore()
  const sid = 'the-secret-id-of-express-session'
  await set(sid, { cookie: COOKIE })
  const rows = JSON.stringify(database.prepare('select * from sessions').all())
  assert.not(rows.includes(sid))
  for await (const { id } of client.sessions.list()) assert.match(id, /^express-[\w-]{43}$/)
  await close()
})

test('stores of other prefixes, and other sessions, are left alone', async () => {
  const { set, clear, client, options, close } = await openStore()
  const other = promised(new CoatcheckStore({ ...options, prefix: 'other-' }))
  await client.sessions.create()
  await set('1', { cookie: COOKIE })
  await other.set('1', { mine: true, cookie: COOKIE })
  await clear()
  assert.is(await client.sessions.count(), 2)
  assert.equal(await other.get('1'), { mine: true, cookie: COOKIE })
  other.store.close()
  await close()
})

test('a session that was read from one store is begun in another', async () => {
  const { set, get, options, close } = await openStore()
  const other = promised(new CoatcheckStore({ ...options, prefix: 'other-' }))
  await set('1', { user: 'ada', cookie: COOKIE })
  await other.set('1', { ...(await get('1')), moved: true })
  assert.equal(await other.get('1'), { user: 'ada', moved: true, cookie: COOKIE })
  assert.equal(await get('1'), { user: 'ada', cookie: COOKIE })
  other.store.close()
  await close()
})

test('a maxAge is the time without a request after which the session ends, as long as it is used', async () => {
  const { get, set, clock, close } = await openStore({ idleTimeoutMs: 30_000, lifetimeMs: 60_000 })
  await set('1', { cookie: { ...COOKIE, originalMaxAge: 90_000 } })
  for (let turn = 0; turn < 10; turn++) {
    clock.advance(80_000)
    const { cookie } = (await get('1')) ?? {}
    const { expires } = cookie as { expires: string }
    assert.is(Date.parse(expires) - clock.now(), 90_000)
  }
  clock.advance(90_000)
  assert.is(await get('1'), null)
  await close()
})

test('without a maxAge the server’s limits hold, or those of the store', async () => {
  const { set, get, options, clock, close } = await openStore({ idleTimeoutMs: 30_000 })
  const long = promised(new CoatcheckStore({ ...options, prefix: 'long-', idleTimeout: 60 }))
  await set('1', { cookie: COOKIE })
  await long.set('1', { cookie: COOKIE })
  clock.advance(30_000)
  assert.is(await get('1'), null)
  assert.ok(await long.get('1'))
  long.store.close()
  await close()
})

test('a cookie that has expired ends the session', async () => {
  const { set, get, length, close } = await openStore()
  await set('1', { cookie: COOKIE })
  await set('1', { cookie: { ...COOKIE, expires: new Date(1) } })
  assert.is(await get('1'), null)
  assert.is(await length(), 0)
  await close()
})

test('what no such framework has written is returned as it is', async () => {
  const { get, set, client, close } = await openStore()
  for (const session of [{ cookie: null }, { a: 1 }, { cookie: 'text' }]) {
    await set('1', session)
    assert.equal(await get('1'), session)
  }
  assert.is(await client.sessions.count(), 1)
  await close()
})

test('a stored __proto__ reaches no framework, which would assign it, and stays as it is', async () => {
  const { get, set, all, client, close } = await openStore()
  await set('1', { user: 'ada', cookie: COOKIE })
  const stored = async () => (await Array.fromAsync(client.sessions.list()))[0]
  const { id = '' } = (await stored()) ?? {}
  const data = '{"__proto__":{"admin":true},"user":"ada","cookie":{"__proto__":{"a":1},"path":"/"}}'
  await client.sessions.put(id, { data: JSON.parse(data) as Session })
  const session = (await get('1')) ?? {}
  for (const found of [session, ...(await all())]) {
    assert.equal(Object.keys(found).sort(), ['cookie', 'user'])
    assert.equal(Object.keys(found['cookie'] as object).sort(), ['originalMaxAge', 'path'])
  }
  session['n'] = 1
  await set('1', session)
  const kept = (await stored())?.data ?? {}
  assert.equal(Object.keys(kept).sort(), ['__proto__', 'cookie', 'n', 'user'])
  await close()
})

test('what was not changed costs no second request', async () => {
  const { get, set, touch, close, asked } = await openStore()
  await set('1', { user: 'ada', cookie: { ...COOKIE, originalMaxAge: 60_000 } })
  const session = await get('1')
  asked.length = 0
  await touch('1', session ?? {})
  await set('1', session ?? {})
  assert.equal(asked, [])
  Object.assign(session ?? {}, { user: 'bob' })
  await set('1', session ?? {})
  await set('1', session ?? {})
  assert.is(asked.length, 1)
  assert.match(asked[0] ?? '', '{"set":{"user":"bob"}}')
  await close()
})

test('touch saves what has changed of the cookie, and nothing else', async () => {
  const { get, set, touch, clock, close } = await openStore({ idleTimeoutMs: 30_000 })
  await set('1', { user: 'ada', cookie: COOKIE })
  const session = (await get('1')) ?? {}
  Object.assign(session, { user: 'eve' })
  Object.assign(session['cookie'] as object, { originalMaxAge: 86_400_000 })
  await touch('1', session)
  clock.advance(80_000_000)
  assert.is((await get('1'))?.['user'], 'ada')
  await close()
})

test('a change of one key leaves what others have written', async () => {
  const { get, set, close } = await openStore()
  await set('1', { cookie: COOKIE, list: [1], object: { a: 1 }, gone: 1 })
  const [one, two] = [(await get('1')) ?? {}, (await get('1')) ?? {}]
  Object.assign(one, { one: 1 })
  ;(one['list'] as unknown[]).push('one')
  ;(one['object'] as Record<string, unknown>)['one'] = null
  delete one['gone']
  Object.assign(two, { two: new Date(0) })
  ;(two['list'] as unknown[]).push('two')
  ;(two['object'] as Record<string, unknown>)['two'] = { deep: [] }
  await Promise.all([set('1', one), set('1', two)])
  const all = await get('1')
  assert.equal(new Set(all?.['list'] as unknown[]), new Set([1, 'one', 'two']))
  assert.equal(all?.['object'], { a: 1, one: null, two: { deep: [] } })
  assert.equal(
    [all?.['one'], all?.['two'], all?.['gone']],
    [1, '1970-01-01T00:00:00.000Z', undefined],
  )
  await close()
})

test('a list that was changed otherwise is merged with what others have added', async () => {
  const { get, set, close } = await openStore()
  await set('1', { cookie: COOKIE, queue: [1, 2] })
  const [taker, adder] = [(await get('1')) ?? {}, (await get('1')) ?? {}]
  ;(taker['queue'] as unknown[]).shift()
  ;(adder['queue'] as unknown[]).push(3)
  await set('1', adder)
  await set('1', taker)
  assert.equal((await get('1'))?.['queue'], [2, 3])
  await close()
})

test('where a list or an object has become something else, the change is merged with that', async () => {
  const { get, set, close } = await openStore()
  await set('1', { cookie: COOKIE, list: [1], object: { a: 1 } })
  const [late, early] = [(await get('1')) ?? {}, (await get('1')) ?? {}]
  Object.assign(early, { list: 'text', object: [] })
  await set('1', early)
  ;(late['list'] as unknown[]).push(2)
  Object.assign(late['object'] as object, { b: 2 })
  await set('1', late)
  const all = await get('1')
  assert.equal([all?.['list'], all?.['object']], [[1, 2], { a: 1, b: 2 }])
  await close()
})

test('a log-out wins over a slow save, of old or new sessions', async () => {
  const { get, set, touch, destroy, length, close } = await openStore()
  await set('1', { user: 'ada', cookie: COOKIE })
  const slow = (await get('1')) ?? {}
  await destroy('1')
  Object.assign(slow, { user: 'eve', cookie: { ...COOKIE, originalMaxAge: 5_000 } })
  await set('1', slow)
  await touch('1', slow)
  await set('1', { user: 'mallory', cookie: COOKIE })
  assert.is(await get('1'), null)
  assert.is(await length(), 0)
  await close()
})

test('what the server refuses, and a server that is away, are told to the framework', async () => {
  const { get, set, close, stop } = await openStore({}, { connectTimeout: 100 })
  const error = await set('1', { big: 'x'.repeat(70_000), cookie: COOKIE }).catch(
    (refused: unknown) => refused as CoatcheckError,
  )
  assert.is((error as CoatcheckError).code, 'session_too_large')
  await stop(0)
  const away = await get('1').catch((refused: unknown) => refused as CoatcheckError)
  assert.is((away as CoatcheckError).code, 'unreachable')
  await close()
})

test('options that cannot work are refused', () => {
  const good = { url: 'http://127.0.0.1:9', apiKey: 'ck_the-key-of-all-the-tests' }
  for (const bad of [
    { prefix: '' },
    { prefix: 'a/b' },
    { url: 'x' },
    { apiKey: 'secret' },
    { timeout: 0 },
  ]) {
    assert.throws(
      () => new CoatcheckStore({ ...good, ...bad }),
      (error: CoatcheckError) =>
        error.code === 'invalid_argument' && !error.message.includes('secret'),
    )
  }
})

test.run()

type Session = Record<string, unknown>

/** The store with promises for callbacks. */
function promised(store: CoatcheckStore) {
  const settle =
    <Value>(resolve: (value: Value) => void, reject: (error: unknown) => void) =>
    (error?: unknown, value?: Value | null) =>
      error === null || error === undefined ? resolve(value as Value) : reject(error)
  return {
    store,
    get: (sid: string) =>
      new Promise<Session | null>((resolve, reject) => store.get(sid, settle(resolve, reject))),
    set: (sid: string, session: object) =>
      new Promise<void>((resolve, reject) => store.set(sid, session, settle(resolve, reject))),
    touch: (sid: string, session: object) =>
      new Promise<void>((resolve, reject) => store.touch(sid, session, settle(resolve, reject))),
    destroy: (sid: string) =>
      new Promise<void>((resolve, reject) => store.destroy(sid, settle(resolve, reject))),
    clear: () => new Promise<void>((resolve, reject) => store.clear(settle(resolve, reject))),
    length: () => new Promise<number>((resolve, reject) => store.length(settle(resolve, reject))),
    all: () => new Promise<Session[]>((resolve, reject) => store.all(settle(resolve, reject))),
  }
}

/** `asked`: the texts of the requests. */
async function openStore(server: ServerOptions = {}, options: Partial<ClientOptions> = {}) {
  const opened = await openClientServer(server, options)
  const asked = recordAsks(opened.client)
  const store = new CoatcheckStore({ client: opened.client })
  return { ...opened, ...promised(store), asked }
}
