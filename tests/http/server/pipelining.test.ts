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
