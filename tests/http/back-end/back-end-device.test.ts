import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { bodyOf, cookieFor, listOf, openBackEnd } from '../../kit/clients/back-end.ts'
import {
  type Ask,
  cookieOf,
  refusalOf,
  type ServerOptions,
  sessionOf,
} from '../../kit/process/open-server.ts'

const test = suite('device facts')

/** The device of the session that a holder's first write creates. */
async function deviceOf(ask: Ask, options: ServerOptions = {}) {
  const server = openBackEnd(options)
  const cookie = cookieOf(await server.request('PUT /session/a', { body: '1', ...ask }))
  const { id } = await sessionOf(await server.request('GET /session', { cookie }))
  return (await bodyOf(await server.ask(`GET /sessions/${id}`))).device
}

const forwardedFor = (addresses: string) => ({ headers: { 'x-forwarded-for': addresses } })

test('a device that a back end gives is two strings, and nothing else', async () => {
  const { ask } = openBackEnd()
  for (const device of [
    'null',
    '"curl"',
    '[]',
    '{"address":null}',
    '{"address":1}',
    '{"userAgent":["curl"]}',
    '{"name":"phone"}',
    '{"address":"10.0.0.1","__proto__":{}}',
  ]) {
    for (const line of ['POST /sessions', 'PUT /sessions/a-session-of-my-own']) {
      const answer = await ask(line, { body: `{"device":${device}}` })
      assert.is(await refusalOf(answer), '422 invalid_argument', device)
    }
  }
})

test('the holder sees no device, not even its own', async () => {
  const { request } = openBackEnd()
  const headers = { 'user-agent': 'Firefox' }
  const created = await request('PATCH /session', { headers, body: '{"data":{"a":1}}' })
  const cookie = cookieOf(created)
  const answers = [
    created,
    await request('GET /session', { cookie }),
    await request('PATCH /session', { cookie, body: '{"permanent":true}' }),
    await request('GET /verify', { cookie }),
    await request('GET /session/device?default=0', { cookie }),
  ]
  for (const answer of answers) {
    assert.ok(answer.ok)
    assert.not.match(
      JSON.stringify([...answer.headers]) + (await answer.text()),
      /device|Firefox|192\./,
    )
  }
})

test('a session keeps the address and the user agent of the request that created it', async () => {
  const ask = { peer: '203.0.113.7', headers: { 'user-agent': 'Firefox/140' } }
  assert.equal(await deviceOf(ask), { address: '203.0.113.7', userAgent: 'Firefox/140' })
  assert.equal(await deviceOf({ peer: '2001:db8::1' }), { address: '2001:db8::1' })
  assert.equal(await deviceOf({ peer: '::ffff:203.0.113.7' }), { address: '203.0.113.7' })
})

test('it stays what it was, whoever uses, renews or changes the session', async () => {
  const { ask, request } = openBackEnd()
  const cookie = cookieOf(await request('PUT /session/a', { body: '1', peer: '203.0.113.7' }))
  const headers = { 'user-agent': 'Evil' }
  const from = { peer: '203.0.113.8', headers }
  await request('PUT /session/a', { ...from, cookie, body: '2' })
  const renewed = cookieOf(await request('POST /session/renew', { ...from, cookie }))
  const body = '{"claims":{"sub":"ada"}}'
  const { device } = await bodyOf(await ask('PATCH /session', { ...from, cookie: renewed, body }))
  assert.equal(device, { address: '203.0.113.7' })
})

test('a user agent is cut at 512 characters, and stays JSON whatever is in it', async () => {
  const long = { headers: { 'user-agent': 'a'.repeat(513) } }
  assert.is((await deviceOf(long))?.userAgent, 'a'.repeat(512))
  const exact = { headers: { 'user-agent': 'a'.repeat(512) } }
  assert.is((await deviceOf(exact))?.userAgent?.length, 512)
  for (const text of [
    '"},"claims":{"sub":"eve"}',
    '\\',
    "'; drop table sessions --",
    '</script>',
    '\u00e9',
  ]) {
    assert.is((await deviceOf({ headers: { 'user-agent': text } }))?.userAgent, text)
  }
})

test('X-Forwarded-For of a client that is no trusted proxy is not believed', async () => {
  const ask = { peer: '203.0.113.7', ...forwardedFor('10.0.0.1') }
  assert.equal(await deviceOf(ask), { address: '203.0.113.7' })
  assert.equal(await deviceOf(ask, { trustedProxies: ['203.0.113.8'] }), { address: '203.0.113.7' })
  // What no proxy adds to, and each lets through: a client writes it as it likes.
  const others = {
    ...{ 'x-real-ip': '10.0.0.1', 'client-ip': '10.0.0.1', 'x-client-ip': '10.0.0.1' },
    ...{ 'cf-connecting-ip': '10.0.0.1', 'true-client-ip': '10.0.0.1' },
  }
  const trustedProxies = ['203.0.113.7']
  assert.equal(await deviceOf({ peer: '203.0.113.7', headers: others }, { trustedProxies }), {
    address: '203.0.113.7',
  })
})

test('from a trusted proxy the address is the nearest that is no proxy', async () => {
  const trustedProxies = ['10.0.0.0/8', 'fd00::/8']
  for (const [hops, address] of [
    ['203.0.113.7', '203.0.113.7'],
    ['1.1.1.1, 203.0.113.7', '203.0.113.7'],
    ['1.1.1.1,203.0.113.7,10.2.2.2', '203.0.113.7'],
    ['1.1.1.1 ,\t203.0.113.7 , 10.2.2.2 , fd00::1', '203.0.113.7'],
    ['2001:db8::1', '2001:db8::1'],
    // An IPv4 address, as a proxy writes it that listens on a socket for both kinds.
    ['::ffff:203.0.113.7', '203.0.113.7'],
    ['203.0.113.7, ::FFFF:10.2.2.2', '203.0.113.7'],
    // All of them proxies: the farthest of them asks for itself.
    ['10.3.3.3, 10.2.2.2', '10.3.3.3'],
    // From where it cannot be read on, nothing that is farther is believed.
    ['203.0.113.7, unknown', '10.1.1.1'],
    ['203.0.113.7, unknown, 10.2.2.2', '10.2.2.2'],
    // As Azure and AWS write them, with a port; and what RFC 7239 would have quoted.
    ['203.0.113.7:4711', '203.0.113.7'],
    ['1.1.1.1:1, 203.0.113.7:4711, 10.2.2.2:80', '203.0.113.7'],
    ['[2001:db8::1]:443', '2001:db8::1'],
    ['[2001:DB8:0:0::1]', '2001:db8::1'],
    ['"[2001:db8::1]:443"', '2001:db8::1'],
    ['"203.0.113.7"', '203.0.113.7'],
    ['203.0.113.7, [fd00::1]:80', '203.0.113.7'],
    ['fe80::1%eth0', 'fe80::1'],
    ['[fe80::1%25eth0]:1', 'fe80::1'],
    ['::ffff:cb00:7107', '203.0.113.7'],
    ['[::ffff:203.0.113.7]:80', '203.0.113.7'],
    ['203.0.113.7,', '10.1.1.1'],
    ['203.0.113.7, , 10.2.2.2', '10.2.2.2'],
    ['203.0.113.7:port', '10.1.1.1'],
    ['203.0.113.7:4711:1', '10.1.1.1'],
    ['[203.0.113.7', '10.1.1.1'],
    ['[203.0.113.7]]', '10.1.1.1'],
    ['_hidden', '10.1.1.1'],
    ['', '10.1.1.1'],
    ['<script>', '10.1.1.1'],
  ] as const) {
    const ask = { peer: '10.1.1.1', ...forwardedFor(hops) }
    assert.is((await deviceOf(ask, { trustedProxies }))?.address, address, hops)
  }
})

test('a range of proxies is the same in every spelling', async () => {
  for (const range of ['10.0.0.0/8', '::ffff:10.0.0.0/104', '::FFFF:A00:0/104']) {
    for (const peer of ['10.1.1.1', '::ffff:10.1.1.1']) {
      for (const hop of [
        '10.2.2.2',
        '::ffff:10.2.2.2',
        '[::ffff:a02:202]:80',
        '0:0:0:0:0:ffff:a02:202',
      ]) {
        const ask = { peer, ...forwardedFor(`203.0.113.7, ${hop}`) }
        const device = await deviceOf(ask, { trustedProxies: [range] })
        assert.is(device?.address, '203.0.113.7', `${range} ${peer} ${hop}`)
      }
    }
  }
})

test('the address is told by RFC 7239 as well, quoted and with ports or not', async () => {
  const trustedProxies = ['10.0.0.0/8']
  for (const [forwarded, address] of [
    ['for=203.0.113.7', '203.0.113.7'],
    ['For="[2001:db8::1]:4711"', '2001:db8::1'],
    ['for="203.0.113.7:4711";proto=https;by=10.2.2.2', '203.0.113.7'],
    ['for=1.1.1.1, for="203.0.113.7:_port";host="a, b" , for=10.2.2.2;secret=_x', '203.0.113.7'],
    ['for=203.0.113.7, for=unknown', '10.1.1.1'],
    ['for=203.0.113.7, for=_hidden, for=10.2.2.2', '10.2.2.2'],
    ['for=203.0.113.7, proto=https', '10.1.1.1'],
    ['for=203.0.113.7;for=1.1.1.1', '10.1.1.1'],
    ['for="203.0.113.7', '10.1.1.1'],
    ['203.0.113.7', '10.1.1.1'],
    ['', '10.1.1.1'],
  ] as const) {
    const ask = { peer: '10.1.1.1', headers: { forwarded } }
    assert.is((await deviceOf(ask, { trustedProxies }))?.address, address, forwarded)
    assert.is(
      (await deviceOf({ ...ask, peer: '11.0.0.1' }, { trustedProxies }))?.address,
      '11.0.0.1',
    )
  }
})

test('where Forwarded and X-Forwarded-For name two clients, one may be forged: it is neither', async () => {
  const trustedProxies = ['10.0.0.0/8']
  for (const [theirs, forwarded, address] of [
    ['203.0.113.7', 'for=203.0.113.7', '203.0.113.7'],
    ['1.1.1.1, 203.0.113.7:80', 'for="203.0.113.7:1"', '203.0.113.7'],
    ['203.0.113.7, 10.2.2.2', 'for=203.0.113.7', '203.0.113.7'],
    ['203.0.113.7', 'for=198.51.100.1', '10.1.1.1'],
    // Who says nothing that can be read names nobody.
    ['203.0.113.7', 'for=_hidden', '203.0.113.7'],
    ['203.0.113.7', 'nonsense', '203.0.113.7'],
    ['unknown', 'for=203.0.113.7', '203.0.113.7'],
  ] as const) {
    const headers = { 'x-forwarded-for': theirs, forwarded }
    const device = await deviceOf({ peer: '10.1.1.1', headers }, { trustedProxies })
    assert.is(device?.address, address, `${theirs} and ${forwarded}`)
  }
})

test('a back end speaks for its client: its X-Forwarded-For is believed, listed or not', async () => {
  const { ask } = openBackEnd()
  const headers = { 'x-forwarded-for': '1.1.1.1, 203.0.113.7', 'user-agent': 'Firefox' }
  for (const line of ['POST /sessions', 'PUT /sessions/a-session-of-my-own']) {
    const { device } = await bodyOf(await ask(line, { body: '{"data":{}}', headers }))
    assert.equal(device, { address: '203.0.113.7', userAgent: 'Firefox' }, line)
  }
})

test('a device of its own counts before the request, as far as it is given', async () => {
  const { ask } = openBackEnd()
  const headers = { 'x-forwarded-for': '203.0.113.7', 'user-agent': 'python-requests' }
  for (const device of [
    { address: '198.51.100.1', userAgent: 'Safari' },
    { userAgent: 'Safari' },
    { address: '198.51.100.1' },
    {},
  ]) {
    const body = JSON.stringify({ device })
    const created = await bodyOf(await ask('POST /sessions', { body, headers }))
    assert.equal(created.device, device)
  }
  const body = JSON.stringify({ device: { userAgent: 'b'.repeat(2_000) } })
  const { device } = await bodyOf(await ask('POST /sessions', { body }))
  assert.is(device?.userAgent, 'b'.repeat(512))
})

test('back ends see it wherever they see a session', async () => {
  const { ask, create } = openBackEnd()
  const device = { address: '203.0.113.7', userAgent: 'Safari' }
  const created = await create({ claims: { sub: 'ada' }, device })
  const [listed] = (await listOf(await ask('GET /sessions?sub=ada'))).sessions
  const { id, token } = created
  const cookie = cookieFor(token)
  for (const seen of [
    created,
    listed,
    await bodyOf(await ask(`GET /sessions/${id}`)),
    await bodyOf(await ask(`PATCH /sessions/${id}`, { body: '{"data":{"a":1}}' })),
    await bodyOf(await ask('GET /session', { cookie })),
    await bodyOf(await ask('PATCH /session', { cookie, body: '{"data":{"a":2}}' })),
    await bodyOf(await ask(`PUT /sessions/${id}`, { body: '{"claims":{"sub":"ada"}}' })),
    await bodyOf(await ask(`POST /sessions/${id}/renew`)),
  ]) {
    assert.equal(seen?.device, device)
  }
})

test('with --device-info off nothing of it is kept, not even what a back end gives', async () => {
  const headers = { 'user-agent': 'Firefox', 'x-forwarded-for': '203.0.113.7' }
  assert.is(await deviceOf({ headers }, { deviceInfo: 'off' }), null)
  const { create, database } = openBackEnd({ deviceInfo: 'off' })
  assert.is((await create({ device: { address: '203.0.113.7' } })).device, null)
  assert.equal(database.prepare('select device from sessions').pluck().all(), [null])
})

test('no device is in the log', async () => {
  const { request, ask, logged } = openBackEnd()
  const headers = { 'user-agent': 'Firefox' }
  await request('PUT /session/a', { body: '1', headers })
  await ask('POST /sessions', { body: '{"device":{"address":"203.0.113.7"}}', headers })
  assert.equal(logged, [])
})

test.run()
