import { once } from 'node:events'
import type { Socket } from 'node:net'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { listenRaw, readToEnd, refusalIn } from '../../kit/clients/raw-http.ts'

const test = suite('a crowd of bodies')

const MIB = 1024 * 1024
const END = '1\r\n"\r\n0\r\n\r\n'
const HEAD = 'PUT /session/k HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n'

test('of bodies that take too much memory together, the one that began first is told to come again', async () => {
  const server = await listenRaw({ bodyLimitBytes: MIB })
  const half = `"${'x'.repeat(MIB / 2)}`
  const sockets = []
  for (let n = 0; n < 15; n++) sockets.push(await sendPart(server.open, half))
  const [first, second, ...others] = sockets.map((socket) => ({
    socket,
    answer: readToEnd(socket),
  }))
  const overflow = await sendPart(server.open, half)
  const refused = await first?.answer
  assert.match(refused ?? '', 'HTTP/1.1 503')
  assert.match(refused ?? '', 'Retry-After: 1')
  assert.match(refused ?? '', '"code":"overloaded"')

  // Who has gone, and who has come to the end, makes room for others.
  second?.socket.destroy()
  for (const { socket, answer } of [...others, { socket: overflow, answer: readToEnd(overflow) }]) {
    socket.write(END)
    assert.is(refusalIn(await answer), '413 session_too_large')
  }
  const again = await sendPart(server.open, half)
  again.write(END)
  assert.is(refusalIn(await readToEnd(again)), '413 session_too_large')
  await server.stop()
})

test('a body in very many pieces of a byte is refused, and its connection closed', async () => {
  const server = await listenRaw({ bodyLimitBytes: MIB })
  const head = 'PUT /session/k HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n'
  const inPieces = (text: string) => [...text].map((char) => `1\r\n${char}\r\n`).join('')

  const fine = await server.open()
  fine.write(`${head}${inPieces(`"${'x'.repeat(100_000)}`)}`)
  const refused = await readToEnd(fine)
  assert.is(refusalIn(refused), '400 bad_request')
  assert.match(refused, 'Connection: close')
  assert.match(refused, 'pieces of a few bytes each')

  // Typed letter by letter, or long in pieces that are worth their handling.
  const typed = await server.open()
  typed.write(`${head}${inPieces(`"${'x'.repeat(900)}"`)}0\r\n\r\n`)
  typed.end()
  assert.match(await readToEnd(typed), 'HTTP/1.1 204')
  const long = await server.open()
  const piece = `40\r\n${'x'.repeat(64)}\r\n`
  long.write(`${head}1\r\n"\r\n${piece.repeat(900)}1\r\n"\r\n0\r\n\r\n`)
  long.end()
  assert.match(await readToEnd(long), 'HTTP/1.1 204')
  await server.stop()
})

test('large bodies that do not come to their end keep nobody from writing', async () => {
  const server = await listenRaw({ bodyLimitBytes: MIB })
  const almost = `"${'x'.repeat(MIB - 10)}`
  const slow = []
  for (let n = 0; n < 9; n++) slow.push(await sendPart(server.open, almost))
  for (let n = 0; n < 20; n++) {
    assert.match(await server.send(`${HEAD}Content-Length: 1\r\n\r\n1`), 'HTTP/1.1 204')
  }
  for (const socket of slow) socket.destroy()
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
