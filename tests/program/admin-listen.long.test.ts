/** `--admin-listen` of the running program. */
import { once } from 'node:events'
import { existsSync, statSync, writeFileSync } from 'node:fs'
import { request as httpRequest } from 'node:http'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { parseAnswer, readToEnd } from '../kit/clients/raw-http.ts'
import {
  makeFolder,
  runServer,
  type RunningServer,
  spawnServer,
} from '../kit/process/spawn-server.ts'

const test = suite('admin listen')

test('a port that another program has is told with the flag, and the main address is free again', async () => {
  const other = createServer()
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
  const address = other.address()
  if (address === null || typeof address === 'string') throw new Error('No port')
  const { code, stdout, stderr } = await run('--port=0', `--admin-listen=127.0.0.1:${address.port}`)
  assert.is(code, 69)
  assert.match(
    stderr,
    /Cannot listen on 127\.0\.0\.1:\d+: another program has the port .*\(--admin-listen\)/,
  )
  assert.is(stdout, '')
  other.close()
})

test('a main address that cannot be had leaves no admin socket behind', async () => {
  const folder = makeFolder()
  const path = join(folder, 'admin.sock')
  const main = join(folder, 'taken')
  writeFileSync(main, '')
  const { code, stderr } = await run(`--listen=unix:${main}`, `--admin-listen=unix:${path}`)
  assert.is(code, 69)
  assert.match(stderr, '(--listen)')
  assert.not.ok(existsSync(path))
})

test('a socket path that cannot be is told with the flag', async () => {
  const path = join(makeFolder(), 'no', 'admin.sock')
  const { code, stderr } = await run('--port=0', `--admin-listen=unix:${path}`)
  assert.is(code, 69)
  assert.match(stderr, /there is no folder .*\(--admin-listen\)/)
})

test('it is announced, in the log as well, and is without the sessions', async () => {
  const server = await start('--admin-listen=127.0.0.1:0')
  const admin = adminUrlOf(server)
  assert.match(startOf(server).adminAddress, admin)
  assert.not.match(server.stderr(), 'admin_open')
  assert.is((await fetch(`${admin}/healthz`)).status, 200)
  assert.is((await fetch(`${admin}/session`)).status, 404)
  assert.is((await fetch(`${server.url}/session`)).status, 404)
  assert.match(await (await fetch(`${server.url}/session`)).text(), 'session_not_found')
  await stop(server)
})

test('one that other machines may reach is warned of', async () => {
  const server = await start('--admin-listen=0.0.0.0:0')
  assert.match(server.stderr(), '"event":"admin_open","adminAddress":"http://0.0.0.0:')
  await stop(server)
})

test('an IPv6 address is written in brackets', async () => {
  const server = await start('--admin-listen=[::1]:0')
  assert.match(adminUrlOf(server), /^http:\/\/\[::1\]:\d+$/)
  assert.is((await fetch(`${adminUrlOf(server)}/healthz`)).status, 200)
  assert.not.match(server.stderr(), 'admin_open')
  await stop(server)
})

test('a socket file of a server that was killed is replaced; its mode is the main one’s; a stop removes it', async () => {
  const folder = makeFolder()
  const path = join(folder, 'admin.sock')
  const flags = [`--listen=unix:${join(folder, 'main.sock')}`, `--admin-listen=unix:${path}`]
  const killed = await start(...flags)
  killed.kill('SIGKILL')
  await killed.ended
  assert.ok(existsSync(path))

  const server = await start(...flags)
  assert.is(statSync(path).mode, statSync(join(folder, 'main.sock')).mode)
  // Whoever is in front of a socket asks by any name.
  const asked = httpRequest({
    socketPath: path,
    path: '/healthz',
    headers: { host: 'any.example' },
  })
  asked.end()
  const [answer] = await once(asked, 'response')
  assert.is(answer.statusCode, 200)
  answer.resume()
  await stop(server)
  assert.not.ok(existsSync(path))
})

test('a stop answers what was sent to the admin listener before', async () => {
  const server = await start('--admin-listen=127.0.0.1:0')
  const socket = await open(adminUrlOf(server))
  // The health would be told as it is then: stopping.
  socket.write('GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n')
  await fetch(`${adminUrlOf(server)}/healthz`)
  server.kill('SIGTERM')
  while (!server.stderr().includes('"stopping"')) await fetch(server.url).catch(() => {})
  socket.write('\r\n')
  const { status, headers } = parseAnswer(await readToEnd(socket))
  assert.equal([status, headers.get('connection')], [200, 'close'])
  assert.is((await server.ended).code, 0)
})

test('headers that do not come, and too many of them, are refused as on the main listener', async () => {
  const server = await start(
    '--admin-listen=127.0.0.1:0',
    '--header-limit=1KiB',
    '--header-timeout=1s',
  )
  const large = await open(adminUrlOf(server))
  large.write(`GET /healthz HTTP/1.1\r\nHost: localhost\r\nA: ${'a'.repeat(2_000)}\r\n\r\n`)
  const slow = await open(adminUrlOf(server))
  slow.write('GET /healthz HTTP/1.1\r\nHost: localhost\r\n')
  assert.is(parseAnswer(await readToEnd(large)).status, 431)
  assert.is(parseAnswer(await readToEnd(slow)).status, 408)
  await stop(server)
})

function flagsFor(flags: readonly string[]): string[] {
  return [...flags, '--data', join(makeFolder(), 'sessions.db')]
}

function run(...flags: string[]) {
  return runServer(flagsFor(flags))
}

function start(...flags: string[]): Promise<RunningServer> {
  // `spawnServer` looks for the flag alone.
  return spawnServer(flagsFor(flags.flatMap((flag) => flag.split('='))))
}

async function stop(server: RunningServer): Promise<void> {
  server.kill('SIGTERM')
  const { code, stderr } = await server.ended
  assert.is(code, 0, stderr)
}

function adminUrlOf(server: RunningServer): string {
  const [, url] = /^For the operator, without an API key: (\S+)$/m.exec(server.stdout()) ?? []
  if (url === undefined) throw new Error(`No admin address in: ${server.stdout()}`)
  return url
}

function startOf(server: RunningServer): { readonly adminAddress: string } {
  const line = server
    .stderr()
    .split('\n')
    .find((one) => one.includes('"event":"started"'))
  return JSON.parse(line ?? '')
}

async function open(url: string) {
  const { hostname, port } = new URL(url)
  const socket = connect({
    host: hostname.replace(/^\[|\]$/g, ''),
    port: Number(port),
    allowHalfOpen: true,
  })
  await once(socket, 'connect')
  return socket
}

test.run()
