import { once } from 'node:events'
import type { Socket } from 'node:net'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { listenRaw, readToEnd, refusalIn } from './support/raw-http.ts'

const test = suite('a crowd of bodies')

const MIB = 1024 * 1024
const END = '1\r\n"\r\n0\r\n\r\n'
const HEAD = 'PUT /session/k HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n'

test('bodies that are on their way take so much memory together, and one more is told to come again', async () => {
  const server = await listenRaw({ bodyLimitBytes: MIB })
  const half = `"${'x'.repeat(MIB / 2)}`
  const sockets = await Promise.all(Array.from({ length: 16 }, () => sendPart(server.open, half)))
  const answers = new Map(sockets.map((socket) => [socket, readToEnd(socket)]))
  const refused = await Promise.race(
    [...answers].map(async ([socket, answer]) => ({ socket, answer: await answer })),
  )
  assert.match(refused.answer, 'HTTP/1.1 503')
  assert.match(refused.answer, 'Retry-After: 1')
  assert.match(refused.answer, '"code":"overloaded"')
  answers.delete(refused.socket)

  // Who has gone, and who has come to the end, makes room for others.
  const [[gone] = [], ...others] = answers
  gone?.destroy()
  for (const [socket, answer] of others) {
    socket.write(END)
    assert.is(refusalIn(await answer), '413 session_too_large')
  }
  const again = await sendPart(server.open, half)
  again.write(END)
  assert.is(refusalIn(await readToEnd(again)), '413 session_too_large')
  await server.stop()
})

test('what is refused as too large takes no room any more while it still comes', async () => {
  const server = await listenRaw({ bodyLimitBytes: MIB })
  for (let n = 0; n < 12; n++) {
    const socket = await sendPart(server.open, `"${'x'.repeat(MIB + 10)}`)
    assert.is(refusalIn(await readToEnd(socket)), '413 body_too_large')
  }
  assert.match(await server.send(`${HEAD}Content-Length: 1\r\n\r\n1`), 'HTTP/1.1 204')
  await server.stop()
})

/** A connection on which so much of a chunked body has been taken by the server. */
async function sendPart(open: () => Promise<Socket>, part: string): Promise<Socket> {
  const socket = await open()
  socket.write(`${HEAD}Transfer-Encoding: chunked\r\n\r\n`)
  if (!socket.write(`${part.length.toString(16)}\r\n${part}\r\n`)) await once(socket, 'drain')
  return socket
}

test.run()
