import type { RequestListener } from 'node:http'
import { Webhook } from 'standardwebhooks'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { systemClock } from '../../lib/base/clock.ts'
import { readAddress } from '../../lib/relay/address.ts'
import { messageOf } from '../../lib/relay/webhook/message.ts'
import { createPoster } from '../../lib/relay/webhook/poster.ts'
import { readSecret } from '../../lib/relay/webhook/secret.ts'
import type { Attempt } from '../../lib/relay/webhook/verdict.ts'
import { createFakeClock } from '../kit/clock/fake-clock.ts'
import { eventOf } from '../kit/relay/feed-events.ts'
import { type Receiver, startRawReceiver, startReceiver } from '../kit/relay/receiver.ts'

const test = suite('poster')

const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`
const NEVER = new AbortController().signal

test('a status other than 2xx is a failure, a redirect among them, and 410 is the end', async () => {
  for (const [status, told] of [
    [301, 'failed: status 301'],
    [302, 'failed: status 302'],
    [307, 'failed: status 307'],
    [400, 'failed: status 400'],
    [404, 'failed: status 404'],
    [410, 'gone'],
    [429, 'failed: status 429'],
    [500, 'failed: status 500'],
    [503, 'failed: status 503'],
  ] as const) {
    const other = await startReceiver(ok)
    const { attempt } = await postTo((_, response) => {
      response.writeHead(status, { Location: other.url }).end('x')
    })
    assert.is(tell(attempt), told)
    assert.is(other.received.length, 0)
    other.close()
  }
})

test('every 2xx is a delivery', async () => {
  for (const status of [200, 201, 202, 204, 299]) {
    const { attempt } = await postTo((_, response) => response.writeHead(status).end())
    assert.equal(attempt, { kind: 'delivered', status })
  }
})

test('the receiver gets headers that Standard Webhooks verifies, and a body of JSON', async () => {
  const { receiver } = await postTo(ok, '/hooks?for=sessions')
  const [{ headers = {}, body = '', path = '' } = {}] = receiver.received
  new Webhook(SECRET).verify(body, headers)
  assert.is(headers['content-type'], 'application/json')
  assert.is(headers['content-length'], String(Buffer.byteLength(body)))
  assert.is(headers['user-agent'], 'coatcheck-relay')
  assert.is(path, '/hooks?for=sessions')
})

test('Retry-After is told with a failure', async () => {
  const { attempt } = await postTo((_, response) => {
    response.writeHead(503, { 'Retry-After': '120' }).end()
  })
  assert.is(attempt.kind === 'failed' && attempt.retryAfterMs, 120_000)
})

test('what is no answer is a failure, by its kind and without a word of the receiver', async () => {
  for (const [bytes, told] of [
    ['', 'failed: ECONNRESET'],
    ['SSH-2.0-OpenSSH_9.2\r\n', 'failed: HPE_INVALID_CONSTANT'],
    ['HTTP/1.1 2000 ok\r\n\r\n', 'failed: HPE_INVALID_STATUS'],
    ['HTTP/1.1 200 OK\r\nContent-Length: 2', 'failed: ECONNRESET'],
    [`HTTP/1.1 200 OK\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`, 'failed: HPE_HEADER_OVERFLOW'],
    ['HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n', 'failed: '],
  ] as const) {
    const receiver = await startRawReceiver(bytes)
    assert.match(tell(await post(receiver.url)), new RegExp(`^${told}`), bytes)
    receiver.close()
  }
})

test('an answer that breaks off behind its head counts by its status', async () => {
  const taken = await startRawReceiver('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf')
  assert.is(tell(await post(taken.url)), 'delivered')
  taken.close()
  const refused = await startRawReceiver('HTTP/1.1 500 No\r\nTransfer-Encoding: chunked\r\n\r\nzz')
  assert.is(tell(await post(refused.url)), 'failed: status 500')
  refused.close()
})

test('a receiver that is not there is a failure', async () => {
  const receiver = await startReceiver(ok)
  receiver.close()
  assert.is(tell(await post(receiver.url)), 'failed: ECONNREFUSED')
})

test('a receiver that hangs is given up after 15 seconds, and not before', async () => {
  const receiver = await startReceiver(() => {})
  const clock = createFakeClock()
  const poster = posterTo(receiver.url, clock)
  const posted = poster.post(messageOf(eventOf(1)), NEVER)
  await until(() => receiver.received.length === 1)
  clock.advance(14_999)
  assert.is(await Promise.race([posted, 'still waiting']), 'still waiting')
  clock.advance(1)
  assert.is(tell(await posted), 'failed: no answer in 15 s')
  poster.close()
  receiver.close()
})

test('an answer whose body does not end is cut off a second after its head', async () => {
  const receiver = await startReceiver((_, response) => response.write('x'))
  const clock = watchTimers()
  const poster = posterTo(receiver.url, clock)
  const posted = poster.post(messageOf(eventOf(1)), NEVER)
  await until(() => clock.timers.includes(1_000))
  clock.advance(999)
  assert.is(await Promise.race([posted, 'still reading']), 'still reading')
  clock.advance(1)
  assert.is(tell(await posted), 'delivered')
  poster.close()
  receiver.close()
})

test('of an answer at most some 64 KiB are read', async () => {
  let written = 0
  const receiver = await startReceiver((_, response) => {
    const write = () => {
      while (!response.destroyed && response.write('x'.repeat(16_384))) written += 16_384
    }
    response.on('drain', write)
    write()
  })
  assert.is(tell(await post(receiver.url)), 'delivered')
  // What is on the way in the kernel's buffers comes on top.
  assert.ok(written < 16_000_000, String(written))
  receiver.close()
})

test('one connection is kept for all, and a new one made where the receiver has closed it', async () => {
  const receiver = await startReceiver((_, response) => response.end('ok'))
  const poster = posterTo(receiver.url)
  for (const n of [1, 2, 3]) await poster.post(messageOf(eventOf(n)), NEVER)
  assert.equal(connectionsOf(receiver), [1, 1, 1])
  poster.close()
  receiver.close()
})

test('a kept connection that the receiver closes just then costs no failure', async () => {
  let count = 0
  const receiver = await startReceiver((request, response) => {
    // The third request meets a connection that is closed instead of answered.
    if (++count === 3) request.socket.destroy()
    else response.end('ok')
  })
  const poster = posterTo(receiver.url)
  for (const n of [1, 2, 3]) {
    assert.is(tell(await poster.post(messageOf(eventOf(n)), NEVER)), 'delivered')
  }
  assert.equal(connectionsOf(receiver), [1, 1, 1, 2])
  poster.close()
  receiver.close()
})

test('an attempt is cut by its signal', async () => {
  const receiver = await startReceiver(() => {})
  const poster = posterTo(receiver.url)
  const cutting = new AbortController()
  const posted = poster.post(messageOf(eventOf(1)), cutting.signal)
  await until(() => receiver.received.length === 1)
  cutting.abort()
  assert.is(tell(await posted), 'cut')
  assert.is(tell(await poster.post(messageOf(eventOf(1)), cutting.signal)), 'cut')
  assert.is(receiver.received.length, 1)
  poster.close()
  receiver.close()
})

test('a cut behind the head of an answer does not undo what its status says', async () => {
  const receiver = await startReceiver((_, response) => response.write('x'))
  const cutting = new AbortController()
  const clock = watchTimers()
  const poster = posterTo(receiver.url, clock)
  const posted = poster.post(messageOf(eventOf(1)), cutting.signal)
  await until(() => clock.timers.includes(1_000))
  cutting.abort()
  assert.is(tell(await posted), 'delivered')
  poster.close()
  receiver.close()
})

test('an address that is none is refused without showing what may be a secret of it', () => {
  for (const [text, refusal] of [
    ['app.example/hooks', /--to must be a URL .*got something else/],
    ['ftp://app.example/', /--to must be a URL .*got one of "ftp:"/],
    ['https://ada:hunter2@app.example/', /--to must be a URL without user and password/],
  ] as const) {
    assert.throws(() => readAddress(text, '--to'), refusal)
    assert.throws(
      () => readAddress(text, '--to'),
      (error: Error) => !/hunter2/.test(error.message),
    )
  }
})

test('an address shows no path, and knows who may listen on the way', () => {
  for (const [text, shown, isOpen] of [
    ['https://app.example/hooks/T0KEN?key=x', 'https://app.example', false],
    ['http://app.example:8080/hooks', 'http://app.example:8080', true],
    ['http://192.168.1.7/', 'http://192.168.1.7', true],
    ['http://localhost:3000/', 'http://localhost:3000', false],
    ['http://127.1:3000/', 'http://127.0.0.1:3000', false],
    ['http://[::1]:3000/', 'http://[::1]:3000', false],
    ['http://[fd00::1]:3000/', 'http://[fd00::1]:3000', true],
    ['http://localhost.example/', 'http://localhost.example', true],
  ] as const) {
    const address = readAddress(text, '--to')
    assert.equal([address.shown, address.isOpenToOthers], [shown, isOpen], text)
  }
})

test.run()

const ok: RequestListener = (_, response) => response.end('ok')

async function postTo(answer: RequestListener, path = '/') {
  const receiver = await startReceiver(answer)
  const attempt = await post(receiver.url + path)
  receiver.close()
  return { attempt, receiver }
}

async function post(url: string): Promise<Attempt> {
  const poster = posterTo(url)
  const attempt = await poster.post(messageOf(eventOf(1)), NEVER)
  poster.close()
  return attempt
}

function posterTo(url: string, clock = systemClock) {
  return createPoster({
    address: readAddress(url, '--to'),
    keys: [readSecret(SECRET, 'f')],
    clock,
  })
}

function tell(attempt: Attempt): string {
  return attempt.kind === 'failed' ? `failed: ${attempt.reason}` : attempt.kind
}

function connectionsOf({ received }: Receiver): number[] {
  return received.map(({ connection }) => connection)
}

/** A clock that stands still, and tells for how long timers were set. */
function watchTimers() {
  const clock = createFakeClock()
  const timers: number[] = []
  return {
    ...clock,
    timers,
    every(ms: number, run: () => void) {
      timers.push(ms)
      return clock.every(ms, run)
    },
  }
}

/** Lets the event loop turn until it is so. */
async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setImmediate(resolve))
}
