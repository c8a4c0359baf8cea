import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import { connect, type AddressInfo } from 'node:net'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createPipelining } from '../../../lib/http/server/pipelining.ts'
import { listenRaw, parseAnswer, rawRequest, readToEnd } from '../../kit/clients/raw-http.ts'

const test = suite('pipelining')

const GET = 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'
const LAST_GET = GET.replace('Host', 'Connection: close\r\nHost')

test('a request sees what the one before it on its connection has written', async () => {
  const { send, stop } = await listenRaw()
  const made = parseAnswer(await send(rawRequest('PUT /session/visits', [], '0')))
  const cookie = `Cookie: ${made.headers.get('set-cookie')?.split(';')[0]}`
  const writes = [1, 2, 3].map((visits) =>
    rawRequest('PUT /session/visits', [cookie], String(visits)).replace(
      'Connection: close\r\n',
      '',
    ),
  )
  const read = rawRequest('GET /session/visits', [cookie])
  const reads = writes.map((write) => write + read.replace('Connection: close\r\n', ''))
  let rest = await send(reads.join('') + read)
  const bodies = []
  while (rest !== '') {
    const answer = parseAnswer(rest)
    bodies.push(answer.body.trimEnd())
    rest = answer.rest
  }
  assert.equal(bodies, ['', '1', '', '2', '', '3', '3'])
  await stop()
})

test('what a client asks for is not made while it takes nothing of what came before', async () => {
  const { open, handled, stop } = await listen({ maxWaiting: 1_000 })
  const socket = await open()
  socket.pause()
  socket.write(GET.repeat(1_000))
  // The kernel takes some megabytes from the server before it says that nobody reads.
  await until(() => (handled.at(-1)?.socket?.writableLength ?? 0) > 0)
  const beforeItReads = handled.length
  assert.ok(beforeItReads < 300, `${beforeItReads} of 1000 answers were made`)

  socket.resume()
  await until(() => handled.length === 1_000)
  socket.destroy()
  await stop()
})

test('a connection is closed when too many requests wait, and leaves room for others', async () => {
  const { open, handled, stop } = await listen({ maxWaiting: 10, answer: () => undefined })
  const greedy = await open()
  greedy.write(GET.repeat(12))
  await once(greedy.resume(), 'close')
  assert.is(handled.length, 1)

  const modest = await open()
  modest.write(GET.repeat(11))
  await until(() => handled.length === 2)
  const third = await open()
  third.write(GET.repeat(2))
  await once(third.resume(), 'close')
  assert.not(modest.destroyed)
  modest.destroy()
  await stop()
})

test('each answer comes in its turn', async () => {
  const { open, handled, stop } = await listen({ maxWaiting: 10, answer: () => undefined })
  const socket = await open()
  const text = readToEnd(socket)
  socket.write(GET + GET + LAST_GET)
  for (let turn = 1; turn <= 3; turn++) {
    await until(() => handled.length === turn)
    handled[turn - 1]?.end(`answer ${turn}`)
  }
  assert.equal((await text).match(/answer \d/g), ['answer 1', 'answer 2', 'answer 3'])
  await stop()
})

const PUT =
  'PUT / HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ck_x\r\nContent-Length: 0\r\n\r\n'
const FIRST_PUT = PUT.replace('\r\n', '\r\nConnection: parallel-pipelining\r\n')

test('writes of a connection that asked for it are done at the same time, and answered in their order', async () => {
  const { open, handled, stop } = await listen({ maxWaiting: 10, answer: () => undefined })
  const socket = await open()
  const text = readToEnd(socket)
  socket.write(FIRST_PUT + PUT.repeat(2))
  await until(() => handled.length === 3)
  handled[2]?.end('answer 3')
  handled[1]?.end('answer 2')
  handled[0]?.end('answer 1')
  await until(() => handled[2]?.writableFinished === true)
  socket.end()
  assert.equal((await text).match(/answer \d|Pipelining: parallel/g), [
    'Pipelining: parallel',
    'answer 1',
    'answer 2',
    'answer 3',
  ])
  await stop()
})

test('nothing else is done beside: no read, no write of a holder, and none without having asked', async () => {
  for (const [requests, before] of [
    [[PUT, PUT], 1],
    [[FIRST_PUT, GET], 1],
    [[FIRST_PUT, PUT.replace(/Authorization.*\r\n/, '')], 1],
    [[FIRST_PUT, PUT, GET, PUT, PUT], 2],
    [[FIRST_PUT, ...Array.from({ length: 140 }, () => PUT)], 128],
  ] as const) {
    const { open, handled, stop } = await listen({ maxWaiting: 200, answer: () => undefined })
    const socket = (await open()).resume()
    socket.write(requests.join(''))
    await until(() => handled.length >= before)
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
    assert.is(handled.length, before)
    for (let turn = 0; turn < requests.length; turn++) {
      await until(() => handled.length > turn)
      handled[turn]?.end('done')
    }
    await until(() => handled.at(-1)?.writableFinished === true)
    socket.destroy()
    await stop()
  }
})

test('a parallel connection is closed after its latest response, and then takes no request', async () => {
  const { open, handled, pipelining, stop } = await listen({
    maxWaiting: 10,
    answer: () => undefined,
  })
  const socket = await open()
  socket.resume()
  socket.write(FIRST_PUT + PUT)
  await until(() => handled.length === 2)
  const [first, second] = handled
  if (first === undefined || second === undefined) throw new Error('not handled')
  assert.not(pipelining.mayClose(first))
  assert.ok(pipelining.mayClose(second))
  socket.write(PUT + GET)
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
  assert.is(handled.length, 2)
  await stop()
})

test('an idle parallel connection is told that it takes nothing any more; no other is', async () => {
  // With the number of requests that are done: all of them, but for what comes after the farewell.
  for (const [requests, done, isTold] of [
    [FIRST_PUT, 1, true],
    [PUT, 2, false],
    [FIRST_PUT + PUT, 3, false],
  ] as const) {
    const { open, handled, pipelining, stop } = await listen({
      maxWaiting: 10,
      answer: () => undefined,
    })
    const socket = await open()
    const text = readToEnd(socket)
    socket.write(requests)
    await until(() => handled.length === requests.split('PUT').length - 1)
    handled[0]?.end('done')
    await until(() => handled[0]?.writableFinished === true)
    pipelining.dismissIdle()
    socket.write(PUT)
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
    assert.is(handled.length, done)
    await stop()
    assert.is((await text).includes('408 Request Timeout\r\nConnection: close\r\n'), isTold)
  }
})

/** A server whose answers are as told, 60 kB each by default, and the answers it was asked for. */
async function listen({
  maxWaiting,
  answer = (response) => response.end('x'.repeat(60_000)),
}: {
  maxWaiting: number
  answer?: (response: ServerResponse) => void
}) {
  const handled: ServerResponse[] = []
  const pipelining = createPipelining(maxWaiting)
  const server = createServer((request, response) =>
    pipelining.inTurn(request, response, () => {
      handled.push(response)
      answer(response)
    }),
  )
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    handled,
    pipelining,
    async open() {
      const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
      await once(socket, 'connect')
      return socket
    },
    async stop() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

async function until(holds: () => boolean): Promise<void> {
  for (const limit = performance.now() + 10_000; performance.now() < limit;) {
    if (holds()) return
    await new Promise((resolve) => setImmediate(resolve))
  }
  throw new Error('what was waited for did not come within 10 s')
}

test.run()
