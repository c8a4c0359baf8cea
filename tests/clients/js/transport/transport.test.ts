import { once } from 'node:events'
import { createServer, type Server, Socket } from 'node:net'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { CoatcheckError } from '../../../../lib/clients/js/errors.ts'
import { parseEndpoint } from '../../../../lib/clients/js/transport/endpoint.ts'
import { createTransport, TICK_MS } from '../../../../lib/clients/js/transport/transport.ts'
import { makeFolder } from '../../../kit/process/spawn-server.ts'

const test = suite('transport')

const GET = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n'
const PUT = 'PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n1'
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'
/** The first write of a connection asks for writes at the same time. */
const ASKING = PUT.replace('\r\n', '\r\nConnection: parallel-pipelining\r\n')
const ACCEPTED = OK.replace('\r\n\r\n', '\r\nPipelining: parallel\r\n\r\n')
const CLOSING = OK.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n')

test('reads share a connection, and those of one turn go out in one write', async () => {
  const { transport, sockets, pieces, close } = await open((socket, text) => {
    socket.write(OK.repeat(count(text, GET)))
  })
  const written = watchWrites(GET)
  await transport.ask(GET, 'read')
  const answers = await Promise.all(Array.from({ length: 50 }, () => transport.ask(GET, 'read')))
  assert.equal(new Set(answers.map(({ body }) => body)), new Set(['ok']))
  assert.is(sockets.length, 1)
  assert.equal(written.end(), [GET, GET.repeat(50)])
  assert.is(pieces.join(''), GET.repeat(51))
  assert.is(transport.outstanding, 0)
  await close()
})

test('where the server does one request after the other, a write has a connection to itself, up to the limit', async () => {
  const waiting: Socket[] = []
  const { transport, sockets, pieces, close } = await open((socket) => waiting.push(socket), {
    maxConnections: 3,
  })
  const writes = Array.from({ length: 6 }, () => transport.ask(PUT, 'write'))
  // The first asks whether the server does them at the same time.
  await until(() => waiting.length === 1)
  for (let answered = 0; answered < 6; answered++) {
    await until(() => waiting.length === Math.min(answered === 0 ? 1 : 3, 6 - answered))
    waiting.shift()?.write(OK)
    await writes[answered]
  }
  assert.is(sockets.length, 3)
  assert.equal(pieces, [ASKING, ...Array.from({ length: 5 }, () => PUT)])
  await close()
})

test('where it does them at the same time, writes share a connection, those of one turn in one write', async () => {
  const { transport, sockets, pieces, close } = await open((socket, text) =>
    socket.write(text === ASKING ? ACCEPTED : OK.repeat(count(text, PUT))),
  )
  const answers = await Promise.all(Array.from({ length: 30 }, () => transport.ask(PUT, 'write')))
  assert.equal(new Set(answers.map(({ body }) => body)), new Set(['ok']))
  await transport.ask(PUT, 'write')
  assert.is(sockets.length, 1)
  assert.equal(pieces, [ASKING, PUT.repeat(29), PUT])
  await close()
})

test('writes that the server has left undone are sent again, others of a broken connection are not', async () => {
  let connections = 0
  const { transport, pieces, close } = await open((socket, text) => {
    if (text === ASKING) {
      connections++
      socket.write(ACCEPTED)
    } else if (text === PUT) {
      socket.write(OK)
    } else {
      socket.end(connections === 1 ? CLOSING : OK)
    }
  })
  await transport.ask(PUT, 'write')
  // One is done, two are not.
  await Promise.all([1, 2, 3].map(() => transport.ask(PUT, 'write')))
  assert.is(connections, 2)
  assert.equal(pieces, [ASKING, PUT.repeat(3), ASKING, PUT])
  const outcomes = await Promise.allSettled([1, 2, 3].map(() => transport.ask(PUT, 'write')))
  const codes = outcomes.map((outcome) =>
    outcome.status === 'fulfilled' ? 'done' : (outcome.reason as CoatcheckError).code,
  )
  assert.equal(codes, ['done', 'connection_lost', 'connection_lost'])
  await close()
})

test('what crosses with an idle server’s farewell is sent again, once: it was not done', async () => {
  const farewell = 'HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n'
  const { transport, sockets, pieces, close } = await open((socket, text) => {
    if (text === ASKING) socket.write(ACCEPTED)
    else if (text === PUT.repeat(3)) socket.end(farewell)
    else socket.write(OK.repeat(count(text, PUT)))
  })
  await transport.ask(PUT, 'write')
  const writes = Array.from({ length: 3 }, () => transport.ask(PUT, 'write'))
  assert.equal(
    (await Promise.all(writes)).map(({ status }) => status),
    [200, 200, 200],
  )
  assert.is(sockets.length, 2)
  assert.equal(pieces, [ASKING, PUT.repeat(3), ASKING, PUT.repeat(2)])
  // To no request at all.
  sockets[1]?.write(farewell)
  await until(() => sockets[1]?.destroyed === true)
  assert.is((await transport.ask(PUT, 'write')).status, 200)
  await close()
})

test('a read that takes long holds up no other', async () => {
  const { transport, close } = await open((socket, text) => {
    if (!text.includes('/slow')) socket.write(OK)
  })
  const slow = transport.ask(GET.replace('/', '/slow'), 'slow read')
  assert.is((await transport.ask(GET, 'read')).body, 'ok')
  assert.is((await transport.ask(PUT, 'write')).body, 'ok')
  transport.close()
  assert.is((await failure(slow)).code, 'client_closed')
  await close()
})

test('a large write holds up no other, nor do others end with its connection', async () => {
  const large = `PUT / HTTP/1.1\r\nContent-Length: 400000\r\n\r\n${'1'.repeat(400_000)}`
  const { transport, sockets, close } = await open((socket, text) => {
    if (text === ASKING) socket.write(ACCEPTED)
    else if (text === PUT) socket.write(OK)
    else if (sockets.indexOf(socket) === 0) socket.destroy()
  })
  assert.is((await transport.ask(PUT, 'write')).body, 'ok')
  const first = transport.ask(large, 'write')
  assert.is((await transport.ask(PUT, 'write')).body, 'ok')
  assert.is(sockets.length, 2)
  transport.close()
  assert.is((await failure(first)).code, 'client_closed')
  await close()
})

test('a read is sent again when its connection breaks, and a write never is', async () => {
  let asked = 0
  for (const breakIt of [
    (socket: Socket) => socket.destroy(),
    (socket: Socket) => socket.resetAndDestroy(),
    (socket: Socket) => socket.end(),
    (socket: Socket) => socket.end(OK.slice(0, 20)),
    (socket: Socket) => socket.end(OK.slice(0, -1)),
  ]) {
    asked = 0
    const { transport, close } = await open((socket) => {
      asked++
      if (asked === 1) breakIt(socket)
      else socket.write(OK)
    })
    assert.is((await transport.ask(GET, 'read')).body, 'ok')
    assert.is(asked, 2)
    asked = 0
    const error = await failure(transport.ask(PUT, 'write'))
    assert.is(error.code, 'connection_lost')
    assert.ok(error.outcomeUnknown)
    assert.is(asked, 1)
    await close()
  }
})

test('a read that never succeeds is given up, after three times', async () => {
  let asked = 0
  const { transport, close } = await open((socket) => {
    asked++
    socket.destroy()
  })
  const error = await failure(transport.ask(GET, 'read'))
  assert.is(error.code, 'connection_lost')
  assert.not(error.outcomeUnknown)
  assert.is(asked, 3)
  await close()
})

test('garbage closes the connection: no response is taken for another', async () => {
  for (const garbage of ['HTTP/9.9 what\r\n\r\n', `${OK}${OK}`, OK.replace('2', 'x')]) {
    let asked = 0
    const { transport, sockets, close } = await open((socket) => {
      asked++
      socket.write(asked === 1 ? garbage : OK)
    })
    const answer = await transport.ask(PUT, 'write').catch((error: unknown) => error)
    if (garbage.startsWith(OK)) assert.is((answer as { body: string }).body, 'ok')
    else assert.is((answer as CoatcheckError).code, 'bad_response')
    await until(() => sockets[0]?.destroyed === true)
    assert.is((await transport.ask(PUT, 'write')).body, 'ok')
    await close()
  }
})

test('what was pipelined behind a response that closes is sent on another connection', async () => {
  let connections = 0
  const { transport, close } = await open((socket, text) => {
    if (socket.bytesRead === text.length && ++connections === 1) {
      socket.end(CLOSING)
    } else {
      socket.write(OK.repeat(count(text, GET)))
    }
  })
  const answers = await Promise.all([1, 2, 3].map(() => transport.ask(GET, 'read')))
  assert.equal(
    answers.map(({ body }) => body),
    ['ok', 'ok', 'ok'],
  )
  await close()
})

test('a call without a response ends in time; a later response is nobody else’s', async () => {
  const waiting: Socket[] = []
  const { transport, tick, close } = await open((socket) => waiting.push(socket), {
    timeoutMs: 1_000,
  })
  const read = failure(transport.ask(GET, 'read'))
  const write = failure(transport.ask(PUT, 'slow write'))
  const longer = transport.ask(PUT, 'slow write', 60_000)
  await until(() => waiting.length === 3)
  tick(1_000 / TICK_MS)
  assert.is(transport.outstanding, 3)
  tick(2)
  const [readError, writeError] = [await read, await write]
  assert.equal([readError.code, readError.outcomeUnknown], ['timeout', false])
  assert.equal([writeError.code, writeError.outcomeUnknown], ['timeout', true])
  for (const socket of waiting) if (!socket.destroyed) socket.write(OK)
  assert.is((await longer).body, 'ok')
  await close()
})

test('a server that comes late is waited for, and one that does not come is told as unreachable', async () => {
  const folder = makeFolder()
  const path = join(folder, 'late.sock')
  const ticking = manualTicks()
  const transport = create(`unix:${path}`, { every: ticking.every })
  const early = transport.ask(PUT, 'write')
  await ticking.turn(3)
  const { server } = await listen((socket) => socket.write(OK), path)
  await ticking.turn(11)
  assert.is((await early).body, 'ok')
  transport.close()
  server.close()

  const lonely = create(`unix:${join(folder, 'none.sock')}`, { every: ticking.every })
  const errors = Promise.all([failure(lonely.ask(PUT, 'write')), failure(lonely.ask(GET, 'read'))])
  await ticking.turn(2_000 / TICK_MS + 3)
  for (const error of await errors) {
    assert.equal([error.code, error.outcomeUnknown], ['unreachable', false])
    assert.match(error.message, 'none.sock')
  }
  rmSync(folder, { recursive: true })
})

test('beyond the limit of calls one is refused at once', async () => {
  const waiting: Socket[] = []
  const { transport, close } = await open((socket) => waiting.push(socket), { maxCalls: 2 })
  const calls = [transport.ask(PUT, 'slow write'), transport.ask(PUT, 'slow write')]
  await until(() => waiting.length === 2)
  const third = failure(transport.ask(PUT, 'write'))
  assert.is(transport.outstanding, 2)
  const error = await third
  assert.equal([error.code, error.outcomeUnknown, error.retryAfter], ['too_many_calls', false, 1])
  for (const socket of waiting) socket.write(OK)
  await Promise.all(calls)
  waiting.length = 0
  const next = transport.ask(PUT, 'write')
  await until(() => waiting.length === 1)
  waiting[0]?.write(OK)
  await next
  await close()
})

test('an idle connection is closed before the server would close it', async () => {
  const { transport, sockets, tick, close } = await open((socket, text) => {
    if (text.includes('/hold')) return
    socket.write(OK.replace('\r\n\r\n', '\r\nKeep-Alive: timeout=5\r\n\r\n'))
  })
  await transport.ask(PUT, 'slow write')
  // A call that is under way keeps the time going.
  const held = failure(transport.ask(PUT.replace('/', '/hold'), 'slow write', 60_000))
  await until(() => sockets.length === 1)
  tick(1)
  await transport.ask(PUT, 'slow write')
  const idle = sockets.at(-1)
  tick(3_000 / TICK_MS)
  assert.not(idle?.destroyed)
  tick(1_000 / TICK_MS)
  await until(() => idle?.destroyed === true)
  await transport.ask(PUT, 'slow write')
  transport.close()
  assert.ok((await held).outcomeUnknown)
  await close()
})

test('closed, it rejects what is under way and what comes after', async () => {
  const { transport, close } = await open(() => {})
  const calls = [failure(transport.ask(GET, 'read')), failure(transport.ask(PUT, 'write'))]
  transport.close()
  for (const error of await Promise.all(calls)) assert.is(error.code, 'client_closed')
  assert.is((await failure(transport.ask(GET, 'read'))).code, 'client_closed')
  await close()
})

test('a url that cannot be meant is refused, without its password', () => {
  for (const url of [
    '',
    'localhost:7377',
    'ftp://x',
    'unix:',
    'http://u:secret@x',
    'http://x/?a=secret',
    'http://x:99999',
  ]) {
    try {
      parseEndpoint(url)
      assert.unreachable(url)
    } catch (error) {
      assert.is((error as CoatcheckError).code, 'invalid_argument', url)
      assert.not((error as Error).message.includes('secret'))
    }
  }
  assert.is(parseEndpoint('http://[::1]:7377/base/').basePath, '/base')
  assert.is(parseEndpoint('https://shop.example').host, 'shop.example')
})

test.run()

type Options = Partial<Parameters<typeof createTransport>[0]>

function create(url: string, options: Options = {}) {
  return createTransport({
    endpoint: parseEndpoint(url),
    timeoutMs: 5_000,
    connectTimeoutMs: 2_000,
    maxConnections: 8,
    maxCalls: 1_000,
    ...options,
  })
}

/** Time that goes on when it is told to. */
function manualTicks() {
  const running = new Set<() => void>()
  const tick = (times: number) => {
    for (let turn = 0; turn < times; turn++) for (const run of [...running]) run()
  }
  return {
    every(_: number, run: () => void) {
      running.add(run)
      return () => running.delete(run)
    },
    tick,
    /** Between the ticks, sockets have their turn. */
    async turn(times: number) {
      for (let turn = 0; turn < times; turn++) {
        tick(1)
        for (let wait = 0; wait < 5; wait++) await new Promise((resolve) => setImmediate(resolve))
      }
    },
  }
}

type Handle = (socket: Socket, text: string) => void

/** What sockets are told to write from now on, where it begins so: a reader may get several writes in one piece. */
function watchWrites(start: string) {
  const written: string[] = []
  const { write } = Socket.prototype
  Socket.prototype.write = function watched(this: Socket, ...args: unknown[]) {
    if (String(args[0]).startsWith(start)) written.push(String(args[0]))
    return Reflect.apply(write, this, args) as boolean
  }
  return {
    end(): readonly string[] {
      Socket.prototype.write = write
      return written
    },
  }
}

async function listen(handle: Handle, path?: string) {
  const sockets: Socket[] = []
  const pieces: string[] = []
  const server: Server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.push(socket)
    socket.on('error', () => {})
    socket.on('end', () => socket.end())
    socket.on('data', (bytes: Buffer) => {
      pieces.push(bytes.toString())
      handle(socket, bytes.toString())
    })
  })
  server.listen(path ?? { port: 0, host: '127.0.0.1' })
  await once(server, 'listening')
  return { server, sockets, pieces }
}

async function open(handle: Handle, options: Options = {}) {
  const { server, sockets, pieces } = await listen(handle)
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const ticking = manualTicks()
  const transport = create(`http://127.0.0.1:${port}`, { every: ticking.every, ...options })
  return {
    transport,
    sockets,
    pieces,
    tick: ticking.tick,
    async close() {
      transport.close()
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

function count(text: string, part: string): number {
  return text.split(part).length - 1
}

async function failure(call: Promise<unknown>): Promise<CoatcheckError> {
  try {
    await call
  } catch (error) {
    if (error instanceof CoatcheckError) return error
    throw error
  }
  throw new Error('It did not fail')
}

async function until(holds: () => boolean): Promise<void> {
  for (const limit = performance.now() + 5_000; performance.now() < limit;) {
    if (holds()) return
    await new Promise((resolve) => setImmediate(resolve))
  }
  throw new Error('what was waited for did not come within 5 s')
}
