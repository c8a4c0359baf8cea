import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import { createServer as createSocketServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { getPriority } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { EXIT } from '../../lib/command-line/exit-codes.ts'
import { healthcheckCommand } from '../../lib/commands/healthcheck.ts'
import { runHere } from '../kit/process/run-here.ts'
import { makeFolder, PROGRAM, runServer, spawnServer } from '../kit/process/spawn-server.ts'

const test = suite('healthcheck command')

test('words and settings that make no sense are refused', async () => {
  assert.match((await runHere(healthcheckCommand, ['now'])).refusal, 'usage: healthcheck')
  assert.match((await runHere(healthcheckCommand, ['--port', 'x'])).refusal, '--port must be an')
  assert.match((await runHere(healthcheckCommand, ['--port', '0'])).refusal, 'name the port')
  const both = ['--port', '1', '--listen', 'unix:/run/a.sock']
  assert.match((await runHere(healthcheckCommand, both)).refusal, 'must come without --port')
})

test('a server that is not there is not well', async () => {
  const { code, out, err } = await runHere(healthcheckCommand, ['--port', '1'])
  assert.is(code, EXIT.unavailable)
  assert.is(out, '')
  assert.match(err, /^Not well: connect ECONNREFUSED .*\(http:\/\/127\.0\.0\.1:1\)\n$/)
})

test('something else that answers there, or breaks off, is not well', async () => {
  const others: RequestListener[] = [
    (_, response) => response.end('<h1>It works!</h1>'),
    (_, response) => response.end('null'),
    (_, response) => response.end('{"status":"ok"}'),
    (_, response) => response.end('x'.repeat(100_000)),
    (_, response) => {
      response.writeHead(200, { 'Content-Length': '100' })
      response.write('{', () => response.destroy())
    },
  ]
  for (const listener of others) {
    const { code, out, err } = await askFake(listener)
    assert.is(code, EXIT.unavailable)
    assert.is(out, '')
    assert.match(err, /^Not well: /)
  }
})

test('a server that does not answer is given up after three seconds', async () => {
  const silent = createSocketServer((socket) => socket.on('error', () => {})).listen(0, '127.0.0.1')
  await once(silent, 'listening')
  const { port } = silent.address() as AddressInfo
  const started = performance.now()
  const { code, err } = await runHere(healthcheckCommand, ['--port', String(port)])
  assert.is(code, EXIT.unavailable)
  assert.match(err, 'no answer in 3 s')
  assert.ok(performance.now() - started < 10_000)
  silent.close()
})

test('it takes its turn as the server does, since its answer is due in time', async () => {
  const silent = createSocketServer((socket) => socket.on('error', () => {})).listen(0, '127.0.0.1')
  await once(silent, 'listening')
  const { port } = silent.address() as AddressInfo
  const [command = '', ...program] = PROGRAM
  const args = [...program, 'healthcheck', '--port', String(port)]
  const child = spawn(command, args, { stdio: 'ignore' })
  // It has asked, and waits for the answer.
  const [socket] = (await once(silent, 'connection')) as [Socket]
  const own = getPriority(child.pid)
  socket.destroy()
  await once(child, 'close')
  silent.close()
  assert.is(own, getPriority())
})

test('a state is told by word and exit code', async () => {
  for (const [status, storage, http, exit, line] of [
    ['ok', 'ok', 200, 0, 'ok\n'],
    ['degraded', 'wal_long', 200, 0, 'degraded: wal_long\n'],
    ['failed', 'failed', 503, EXIT.unavailable, 'failed: failed\n'],
  ] as const) {
    const { code, out } = await askFake((request, response) => {
      assert.is(request.url, '/healthz')
      response.writeHead(http)
      response.end(JSON.stringify({ status, storage, writes: 'all', walBytes: 0 }))
    })
    assert.is(code, exit)
    assert.is(out, line)
  }
})

test('a running server is asked where its own settings say that it is', async () => {
  const folder = makeFolder()
  const socket = `unix:${join(folder, 'a.sock')}`
  const server = await spawnServer(['--data', join(folder, 'a.db'), '--listen', socket])
  const bySocket = await runServer(['healthcheck'], { COATCHECK_LISTEN: socket })
  assert.equal([bySocket.code, bySocket.stdout], [0, 'ok\n'])
  server.kill('SIGTERM')
  await server.ended

  const every = await spawnServer(['--data', join(folder, 'b.db'), '--host', '0.0.0.0'])
  const { port } = new URL(every.url)
  const env = { COATCHECK_HOST: '0.0.0.0', COATCHECK_PORT: port, COATCHECK_DATA: ':memory:' }
  const byPort = await runServer(['healthcheck', '--json'], env)
  assert.is(byPort.code, 0)
  assert.is(JSON.parse(byPort.stdout).status, 'ok')
  every.kill('SIGTERM')
  await every.ended
})

async function askFake(listener: RequestListener) {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const answer = await runHere(healthcheckCommand, ['--port', String(port)])
  server.close()
  return answer
}

test.run()
