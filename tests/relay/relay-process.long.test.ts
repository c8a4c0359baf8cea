/** The relay as a process, between a real server and receivers. */
import { execFileSync, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { Webhook } from 'standardwebhooks'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { EXIT } from '../../lib/command-line/exit-codes.ts'
import { runServer } from '../kit/process/spawn-server.ts'
import { findProgram } from '../kit/proxies/proxy-process.ts'
import { startReceiver } from '../kit/relay/receiver.ts'
import {
  flagsOf,
  lineOf,
  linesOf,
  makeRelayPlace,
  RELAY_KEY,
  RELAY_SECRET,
  type RelayPlace,
  until,
} from '../kit/relay/spawn-relay.ts'

const test = suite('relay as a process')

test('a second relay on one cursor file is refused with 75, until the first is gone, however it went', async () => {
  const place = makeRelayPlace()
  const receiver = await startReceiver((_, response) => response.end())
  const first = place.startRelay(receiver.url)
  await lineOf(first, 'relay_started')
  const second = await place.startRelay(receiver.url).ended
  assert.is(second.code, EXIT.inUse)
  assert.match(second.stderr, /Cannot use .*relay.cursor: another relay has it/)
  first.kill('SIGKILL')
  await first.ended
  const third = place.startRelay(receiver.url)
  await lineOf(third, 'relay_started')
  third.kill('SIGTERM')
  assert.is((await third.ended).code, 0)
  receiver.close()
})

test('SIGTERM lets the delivery under way end, which is not repeated afterwards', async () => {
  const place = makeRelayPlace()
  const server = await place.startServer()
  const taken = Promise.withResolvers<void>()
  const answered = Promise.withResolvers<void>()
  const receiver = await startReceiver((_, response) => {
    taken.resolve()
    void answered.promise.then(() => response.end())
  })
  const relay = place.startRelay(receiver.url)
  await lineOf(relay, 'feed_connected')
  const events = await makeEvents(place, 3)
  await taken.promise
  relay.kill('SIGTERM')
  await lineOf(relay, 'stopping')
  answered.resolve()
  assert.is((await relay.ended).code, 0, relay.stderr())
  assert.is(receiver.received.length, 1)

  const next = place.startRelay(receiver.url)
  await until(() => receiver.received.length === 3, 'the other events are delivered')
  next.kill('SIGTERM')
  await next.ended
  assert.equal(idsOf(receiver.received), events)
  await stop(server)
  receiver.close()
})

test('a first start begins with what happens next, and what was there before comes with --start oldest', async () => {
  const place = makeRelayPlace()
  const server = await place.startServer()
  const [before = ''] = await makeEvents(place, 1)
  const receiver = await startReceiver((_, response) => response.end())
  const relay = place.startRelay(receiver.url)
  await lineOf(relay, 'feed_connected')
  const [after = ''] = (await makeEvents(place, 1)).slice(1)
  await until(() => receiver.received.length > 0, 'a delivery')
  assert.equal(idsOf(receiver.received), [after])
  relay.kill('SIGTERM')
  await relay.ended

  const other = ['--cursor-file', join(place.folder, 'other.cursor'), '--start', 'oldest']
  const flags = flagsOf(place.folder, place.socket, receiver.url).slice(0, -2)
  const all = place.startRelayWith([...flags, ...other])
  await until(() => receiver.received.length === 3, 'both events again')
  assert.equal(idsOf(receiver.received), [after, before, after])
  all.kill('SIGTERM')
  await all.ended
  await stop(server)
  receiver.close()
})

test('events of one type and of one user alone are sent where that is asked for', async () => {
  const place = makeRelayPlace()
  const server = await place.startServer()
  const receiver = await startReceiver((_, response) => response.end())
  const flags = ['--type', 'session.ended', '--sub', 'ada', '--start', 'oldest']
  for (const sub of ['ada', 'bob']) {
    const { body } = await place.ask('POST /sessions', JSON.stringify({ claims: { sub } }))
    await place.ask(`DELETE /sessions/${JSON.parse(body).id}`)
  }
  const relay = place.startRelay(receiver.url, ...flags)
  await until(() => receiver.received.length > 0, 'a delivery')
  relay.kill('SIGTERM')
  await relay.ended
  const [{ body = '' } = {}] = receiver.received
  const { type, data } = JSON.parse(body)
  assert.equal([receiver.received.length, type, data.sub], [1, 'session.ended', 'ada'])
  assert.equal(Object.keys(data), ['session', 'sub', 'reason'])
  await stop(server)
  receiver.close()
})

test('410 ends the relay with 68, and the next start goes on with the same event', async () => {
  const place = makeRelayPlace()
  const server = await place.startServer()
  let status = 410
  const receiver = await startReceiver((_, response) => response.writeHead(status).end())
  const relay = place.startRelay(receiver.url, '--start', 'oldest')
  const events = await makeEvents(place, 1)
  const { code, stderr } = await relay.ended
  assert.is(code, EXIT.receiverGone)
  assert.match(stderr, '"event":"relay_failed"')
  assert.match(stderr, 'the receiver wants no more webhooks (410, at the event')
  status = 200
  const next = place.startRelay(receiver.url)
  await until(() => receiver.received.length === 2, 'the event again')
  next.kill('SIGTERM')
  await next.ended
  assert.equal(idsOf(receiver.received), [...events, ...events])
  await stop(server)
  receiver.close()
})

test('a key that is refused ends the relay with 77, at its start or when it is revoked', async () => {
  const place = makeRelayPlace()
  const server = await place.startServer()
  const data = ['--data', join(place.folder, 'sessions.db')]
  const keyPath = join(place.folder, 'relay.key')
  for (const [name, scope, mayRead] of [
    ['scraper', 'metrics', false],
    ['relay', 'read', true],
  ] as const) {
    const made = await runServer(['key', 'new', name, '--scope', scope, ...data])
    writeFileSync(keyPath, made.stdout)
    const relay = place.startRelay('http://127.0.0.1:1', '--api-key-file', keyPath)
    if (mayRead) {
      await lineOf(relay, 'feed_connected')
      await runServer(['key', 'revoke', name, ...data])
    }
    const { code, stderr } = await relay.ended
    assert.is(code, EXIT.refused, stderr)
    assert.match(stderr, mayRead ? 'refuses the API key (401' : 'refuses the API key (403')
    assert.not.match(stderr, made.stdout.trim())
  }
  await stop(server)
})

test('a server that keeps no events is the end with 77', async () => {
  const place = makeRelayPlace()
  const server = await place.startServer('--max-events', '0')
  const { code, stderr } = await place.startRelay('http://127.0.0.1:1').ended
  assert.is(code, EXIT.refused)
  assert.match(stderr, 'the server keeps no events (--max-events 0)')
  await stop(server)
})

test('events that the feed has forgotten meanwhile are told in log and numbers, and the others are sent', async () => {
  const place = makeRelayPlace()
  const server = await place.startServer('--max-events', '10', '--sweep-interval', '50ms')
  const receiver = await startReceiver((_, response) => response.end())
  const first = place.startRelay(receiver.url, '--start', 'oldest')
  await makeEvents(place, 1)
  await until(() => receiver.received.length === 1, 'a delivery')
  first.kill('SIGTERM')
  await first.ended
  await makeEvents(place, 40)
  await until(async () => (await place.readFeed()).length <= 10, 'the sweep')

  const relay = place.startRelay(receiver.url, '--metrics-listen', '127.0.0.1:0')
  const { oldest, level } = await lineOf(relay, 'events_forgotten')
  assert.is(level, 'error')
  const kept = (await place.readFeed()).map(({ id }) => id)
  await until(() => idsOf(receiver.received).at(-1) === kept.at(-1), 'the last one')
  const got = idsOf(receiver.received).slice(1)
  assert.equal(got.slice(-kept.length), kept)
  assert.is(Number.parseInt(String(oldest)) + 1, Number.parseInt(got[0] ?? ''))
  const { metricsAddress } = await lineOf(relay, 'relay_started')
  const numbers = await (await fetch(`${String(metricsAddress)}/metrics`)).text()
  assert.match(numbers, '\ncoatcheck_relay_forgotten_total 1\n')
  assert.match(numbers, '\ncoatcheck_relay_connected 1\n')
  relay.kill('SIGTERM')
  await relay.ended
  await stop(server)
  receiver.close()
})

test('what a broken receiver gets goes to the dead letters, from there it is sent again, and no secret is told', async () => {
  const place = makeRelayPlace()
  const server = await place.startServer()
  let status = 500
  const receiver = await startReceiver((_, response) => response.writeHead(status).end('t0ken'))
  const to = `${receiver.url}/hooks/T0KEN?key=T0KEN`
  const relay = place.startRelay(to, '--give-up-after', '0', '--start', 'oldest')
  const events = await makeEvents(place, 2)
  await until(() => receiver.received.length === 2, 'both are given up')
  await lineOf(relay, 'event_given_up')
  await until(() => linesOf(relay).filter((l) => l['event'] === 'event_given_up').length === 2, 'x')
  relay.kill('SIGTERM')
  const { stdout, stderr } = await relay.ended
  for (const secret of ['T0KEN', 't0ken', RELAY_KEY, RELAY_SECRET, RELAY_SECRET.slice(6)]) {
    assert.not.match(stdout + stderr, secret)
  }

  status = 204
  const path = join(place.folder, 'relay.cursor.dead.ndjson')
  const secret = join(place.folder, 'secret')
  const replay = ['relay', '--replay', path, '--to', to, '--secret-file', secret]
  const { code, stdout: out } = await runServer(replay)
  assert.equal([code, out], [0, 'Sent 2; failed again 0; not tried 0\n'])
  assert.equal(idsOf(receiver.received), [...events, ...events])
  const again = await runServer(replay)
  assert.equal([again.code, again.stdout], [0, 'Sent 0; failed again 0; not tried 0\n'])
  assert.match(readFileSync(path, 'utf8'), /^\{"state":"sent".*\n\{"state":"sent".*\n$/)
  await stop(server)
  receiver.close()
})

test('promtool has nothing to say of the numbers of a relay', async () => {
  const promtool = findProgram('promtool', ['--version'])
  const place = makeRelayPlace()
  const relay = place.startRelay('http://127.0.0.1:1', '--metrics-listen', '127.0.0.1:0')
  const { metricsAddress } = await lineOf(relay, 'relay_started')
  const input = await (await fetch(`${String(metricsAddress)}/metrics`)).text()
  const { status, stdout, stderr } = spawnSync(promtool, ['check', 'metrics'], { input })
  assert.equal([status, String(stdout) + String(stderr)], [0, ''])
  relay.kill('SIGTERM')
  assert.is((await relay.ended).code, 0)
})

test('two secrets sign each webhook while one is changed', async () => {
  const place = makeRelayPlace()
  const server = await place.startServer()
  const other = `whsec_${Buffer.alloc(24, 9).toString('base64')}`
  writeFileSync(join(place.folder, 'new-secret'), other)
  const receiver = await startReceiver((_, response) => response.end())
  const relay = place.startRelay(
    receiver.url,
    ...['--secret-file', join(place.folder, 'new-secret'), '--start', 'oldest'],
  )
  await makeEvents(place, 1)
  await until(() => receiver.received.length === 1, 'a delivery')
  const [{ headers = {}, body = '' } = {}] = receiver.received
  for (const secret of [RELAY_SECRET, other]) new Webhook(secret).verify(body, headers)
  relay.kill('SIGTERM')
  await relay.ended
  await stop(server)
  receiver.close()
})

test('https is spoken with certificates checked: an unknown one, and one for another name, is a failure', async () => {
  const place = makeRelayPlace()
  const server = await place.startServer()
  const key = join(place.folder, 'tls.key')
  const cert = join(place.folder, 'tls.crt')
  execFileSync('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'],
    ...['-keyout', key, '-out', cert, '-days', '2', '-subj', '/CN=localhost'],
    ...['-addext', 'subjectAltName=DNS:localhost'],
  ])
  let count = 0
  const receiver = createServer(
    { key: readFileSync(key), cert: readFileSync(cert) },
    (_, response) => {
      count++
      response.end()
    },
  ).listen(0, '127.0.0.1')
  await once(receiver, 'listening')
  const { port } = receiver.address() as AddressInfo
  await makeEvents(place, 1)
  for (const [host, env, reason] of [
    ['localhost', {}, 'DEPTH_ZERO_SELF_SIGNED_CERT'],
    ['localhost', { NODE_TLS_REJECT_UNAUTHORIZED: '0' }, 'DEPTH_ZERO_SELF_SIGNED_CERT'],
    ['127.0.0.1', { NODE_EXTRA_CA_CERTS: cert }, 'ERR_TLS_CERT_ALTNAME_INVALID'],
    ['localhost', { NODE_EXTRA_CA_CERTS: cert }, undefined],
  ] as const) {
    const flags = flagsOf(place.folder, place.socket, `https://${host}:${port}/hooks`)
    const relay = place.startRelayWith([...flags, '--start', 'oldest'], env)
    if (reason === undefined) await until(() => count === 1, 'a delivery over https')
    else assert.is((await lineOf(relay, 'delivery_failed'))['reason'], reason)
    assert.is(count, reason === undefined ? 1 : 0)
    relay.kill('SIGTERM')
    await relay.ended
  }
  receiver.close()
  receiver.closeAllConnections()
  await stop(server)
})

test('plain http to another machine is warned of, for the receiver as for the server', async () => {
  const place = makeRelayPlace()
  // Of RFC 5737: nobody has these addresses.
  const flags = flagsOf(place.folder, 'http://192.0.2.1:7377', 'http://192.0.2.2/hooks')
  const relay = place.startRelayWith(flags)
  await until(() => linesOf(relay).filter((l) => l['event'] === 'plain_http').length === 2, 'both')
  const told = linesOf(relay).filter(({ event }) => event === 'plain_http')
  assert.equal(
    told.map(({ level, address }) => [level, address]),
    [
      ['warn', 'http://192.0.2.1:7377'],
      ['warn', 'http://192.0.2.2'],
    ],
  )
  relay.kill('SIGTERM')
  assert.is((await relay.ended).code, 0)
})

test.run()

/** Sessions that begin; resolves with the ids of all events that there are then. */
async function makeEvents(place: RelayPlace, count: number): Promise<string[]> {
  for (let n = 0; n < count; n++) await place.ask('POST /sessions', '{}')
  return (await place.readFeed()).map(({ id }) => id)
}

function idsOf(
  received: readonly { readonly headers: Readonly<Record<string, string>> }[],
): string[] {
  return received.map(({ headers }) => (headers['webhook-id'] ?? '').replace('evt_', ''))
}

async function stop(server: Awaited<ReturnType<RelayPlace['startServer']>>): Promise<void> {
  server.kill('SIGTERM')
  assert.is((await server.ended).code, 0)
}
