import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { networkOf } from '../../../lib/http/request/address.ts'
import { API_KEY, codeOf, cookieOf, openServer } from '../../kit/process/open-server.ts'

const test = suite('create rate')

test('an address begins so many sessions, then waits; others, and its own sessions, do not', async () => {
  const { request, clock, database } = openServer({ createRate: 6 })
  const create = (peer = '192.0.2.1') => request('PUT /session/k', { body: '1', peer })
  const cookies = []
  for (let n = 0; n < 6; n++) {
    const answer = await create()
    assert.is(answer.status, 204)
    cookies.push(cookieOf(answer))
  }
  const refused = await create()
  assert.is(refused.status, 429)
  assert.is(refused.headers.get('retry-after'), '10')
  assert.is(refused.headers.get('set-cookie'), null)
  assert.is(await codeOf(refused), 'create_rate_exceeded')
  assert.is(database.prepare('select count(*) from sessions').pluck().get(), 6)

  assert.is((await create('192.0.2.2')).status, 204)
  for (const cookie of cookies) {
    assert.is((await request('PUT /session/k', { body: '2', cookie })).status, 204)
    assert.is((await request('GET /session/k', { cookie })).status, 200)
  }
  clock.advance(9_999)
  assert.is((await create()).status, 429)
  clock.advance(1)
  assert.is((await create()).status, 204)
  assert.is((await create()).status, 429)
  clock.advance(3_600_000)
  for (let n = 0; n < 6; n++) assert.is((await create()).status, 204)
  assert.is((await create()).status, 429)
  clock.set(clock.now() - 3_600_000)
  assert.is((await create()).status, 429)
  clock.advance(10_000)
  assert.is((await create()).status, 204)
})

test('back ends begin as many as they like, also for somebody at an address that may not', async () => {
  const { request } = openServer({ createRate: 1 })
  for (let n = 0; n < 5; n++) {
    assert.is((await request('POST /sessions', { key: API_KEY })).status, 201)
  }
  assert.is((await request('PUT /session/k', { body: '1' })).status, 204)
  assert.is((await request('PUT /session/k', { body: '1' })).status, 429)
})

test('behind a trusted proxy it is the client that is counted', async () => {
  const { request } = openServer({ createRate: 1, trustedProxies: ['10.0.0.1'] })
  const create = (client: string) =>
    request('PUT /session/k', {
      body: '1',
      peer: '10.0.0.1',
      headers: { 'x-forwarded-for': client },
    })
  assert.is((await create('192.0.2.1')).status, 204)
  assert.is((await create('192.0.2.1')).status, 429)
  assert.is((await create('192.0.2.2')).status, 204)
})

test('without the setting there is no limit', async () => {
  const { request } = openServer()
  for (let n = 0; n < 200; n++) {
    assert.is((await request('PUT /session/k', { body: '1' })).status, 204)
  }
})

test('an IPv6 address counts as its /64, whatever way it is written', () => {
  assert.is(networkOf(undefined), 'unix')
  assert.is(networkOf('192.0.2.1'), '192.0.2.1')
  for (const address of ['2001:db8:0:7::1', '2001:0db8:0:7:1:2:3:4', '2001:DB8::7:0:0:0:1']) {
    assert.is(networkOf(address), '2001:db8:0:7::/64')
  }
  assert.is(networkOf('::1'), '0:0:0:0::/64')
  assert.is(networkOf('2001:db8::'), '2001:db8:0:0::/64')
  assert.is(networkOf('fe80::1%eth0'), 'fe80:0:0:0::/64')
  assert.is(networkOf('64:ff9b::192.0.2.1'), '64:ff9b:0:0::/64')
})

test.run()
