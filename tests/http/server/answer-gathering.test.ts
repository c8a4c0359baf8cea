import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { gatherAnswers } from '../../../lib/http/server/answer-gathering.ts'
import { createPipelining } from '../../../lib/http/server/pipelining.ts'

const test = suite('answer gathering')

const GET = 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'

test('the responses to a burst are written together, in their order', async () => {
  const { send, writes, stop } = await listen((response, turn) => response.end(`answer ${turn}`))
  const text = await send(GET.repeat(20), 'answer 20')
  assert.equal(
    text.match(/answer \d+/g),
    Array.from({ length: 20 }, (_, index) => `answer ${index + 1}`),
  )
  // Node may hand over the requests in two pieces.
  assert.ok(writes() <= 4, `${writes()} writes`)
  await stop()
})

test('large responses are written as they come, and stay in their order', async () => {
  const { send, writes, stop } = await listen((response, turn) =>
    response.end(
      turn % 2 === 0 ? Buffer.alloc(40_000, 97) : `${'x'.repeat(20_000)} answer ${turn}`,
    ),
  )
  const text = await send(GET.repeat(9), 'answer 9')
  const order = text.match(/answer \d|a{40000}/g)?.map((found) => found.slice(0, 8))
  const expected = [1, 2, 3, 4, 5, 6, 7, 8, 9]
  assert.equal(
    order,
    expected.map((turn) => (turn % 2 === 0 ? 'aaaaaaaa' : `answer ${turn}`)),
  )
  assert.ok(writes() > 4, `${writes()} writes`)
  await stop()
})

test('a response does not wait for one that takes long', async () => {
  const late: ServerResponse[] = []
  const { send, stop } = await listen((response, turn) => {
    if (turn === 1) response.end('answer 1')
    else late.push(response)
  })
  assert.match(await send(GET + GET, 'answer 1'), 'answer 1')
  for (const response of late) response.end()
  await stop()
})

test('a response that closes the connection is sent with those before it', async () => {
  const { send, stop } = await listen((response, turn) => {
    if (turn === 2) response.shouldKeepAlive = false
    response.end(`answer ${turn}`)
  })
  assert.equal((await send(GET.repeat(3))).match(/answer \d/g), ['answer 1', 'answer 2'])
  await stop()
})

test.run()

/** A server that gathers; `writes` counts what goes to the kernel. */
async function listen(answer: (response: ServerResponse, turn: number) => void) {
  const pipelining = createPipelining(100)
  let turn = 0
  let writes = 0
  const server = createServer((request, response) =>
    // As the app does: not before Node has handed over what came in the same piece.
    pipelining.inTurn(request, response, () => process.nextTick(answer, response, ++turn)),
  )
  server.on('connection', (socket) => {
    const write = socket._write.bind(socket)
    socket._write = (...args) => {
      writes++
      write(...args)
    }
    gatherAnswers(socket, pipelining.isFollowed)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    writes: () => writes,
    /** What comes back up to `last`, or until the server closes. */
    async send(bytes: string, last?: string): Promise<string> {
      const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
      socket.write(bytes)
      let text = ''
      await new Promise<void>((resolve, reject) => {
        const tooLate = setTimeout(() => reject(new Error(`After 2 s: ${text}`)), 2_000)
        const done = () => {
          clearTimeout(tooLate)
          resolve()
        }
        socket.on('data', (piece: Buffer) => {
          text += piece.toString('latin1')
          if (last !== undefined && text.endsWith(last)) done()
        })
        socket.on('close', done)
      })
      socket.destroy()
      return text
    },
    async stop() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
