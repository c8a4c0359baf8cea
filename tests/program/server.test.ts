import { once } from 'node:events'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { put, stop } from '../kit/process/drive-server.ts'
import {
  makeFolder,
  runServer,
  type RunningServer,
  spawnServer,
} from '../kit/process/spawn-server.ts'

const test = suite('server')

test('server lists every bad setting at once and exits 64', async () => {
  const { code, stderr, stdout } = await runServer(['--port', '80a', '--idle-timeout', '5'], {
    COATCHECK_LIFETIME: 'long',
  })
  assert.is(code, 64)
  assert.match(stderr, '--port')
  assert.match(stderr, '--idle-timeout')
  assert.match(stderr, 'COATCHECK_LIFETIME')
  assert.is(stdout, '')
})

test('server refuses a file that is no database and leaves it as it was', async () => {
  const path = join(makeFolder(), 'notes.txt')
  const text = 'these are my notes, and no database\n'.repeat(50)
  writeFileSync(path, text)
  const { code, stderr } = await runServer(['--data', path])
  assert.is(code, 65)
  assert.match(stderr, 'not a SQLite database')
  assert.is(readFileSync(path, 'utf8'), text)
})

test('server prints its address, a curl line to try and once where the first key is, on stdout', async () => {
  const path = join(makeFolder(), 'sessions.db')
  for (const keyLine of [`API key for back ends, made just now: ${path}.api-key\n`, '']) {
    const server = await spawnServer(['--data', path])
    await put(server, '/session/user', '"ada"')
    await stop(server)
    const { stdout } = await server.ended
    assert.is(
      stdout,
      `Coatcheck listens on ${server.url}\n` +
        `Try: curl -i -c jar -b jar -X PUT -d '"ada"' ${server.url}/session/user\n` +
        `Dashboard: ${server.url}/dashboard\n${keyLine}`,
    )
  }
})

test('server stopped by SIGTERM answers what is in flight, keeps touches and leaves no log', async () => {
  const path = join(makeFolder(), 'sessions.db')
  const server = await spawnServer(['--data', path, '--stop-timeout', '60s'])
  const cookie = await put(server, '/session/user', '"ada"')
  const first = await (await fetch(`${server.url}/session`, { headers: { cookie } })).json()
  await sleep(20)
  const last = await (await fetch(`${server.url}/session`, { headers: { cookie } })).json()
  assert.ok((first as Seen).lastSeenAt < (last as Seen).lastSeenAt)

  // Half a request is in flight: its head has come, its body comes after the signal.
  const socket = await beginPut(server, `Cookie: ${cookie}\r\nContent-Length: 4\r\n`)
  let answer = ''
  socket.on('data', (text: string) => (answer += text))
  server.kill('SIGTERM')
  await sleep(500)
  socket.write('"ab"')
  const { code } = await server.ended
  assert.is(code, 0)
  assert.match(answer, /^HTTP\/1\.1 204 /)
  assert.match(answer, 'Connection: close')
  assert.is(existsSync(`${path}-wal`), false)
  assert.is(existsSync(`${path}-shm`), false)

  const again = await spawnServer(['--data', path])
  const answers = await fetch(`${again.url}/session?touch=false`, { headers: { cookie } })
  const kept = (await answers.json()) as Seen & { data: unknown }
  assert.equal(kept.data, { user: 'ada', late: 'ab' })
  assert.ok(kept.lastSeenAt >= (last as Seen).lastSeenAt)
  await stop(again)
})

test('server cuts a request that hangs once its stop-timeout is over, and exits 0', async () => {
  const path = join(makeFolder(), 'sessions.db')
  const server = await spawnServer(['--data', path, '--stop-timeout', '300ms'])
  await beginPut(server, 'Content-Length: 9\r\n')
  server.kill('SIGTERM')
  assert.is((await server.ended).code, 0)
})

test('server that is stopping exits at once on a second signal', async () => {
  const path = join(makeFolder(), 'sessions.db')
  // Long, so that a busy machine has not cut the request before the second signal comes.
  const server = await spawnServer(['--data', path, '--stop-timeout', '60s'])
  await beginPut(server, 'Content-Length: 9\r\n')
  server.kill('SIGTERM')
  while (!server.stderr().includes('"stopping"')) await sleep(10)
  // A second signal right behind the first is the same wish, handed on by npm or systemd.
  await sleep(300)
  server.kill('SIGTERM')
  assert.is((await server.ended).code, 128 + 15)
})

type Seen = { lastSeenAt: string }

/** A request whose head the server has, and whose body does not come yet. */
async function beginPut(server: RunningServer, headers: string): Promise<Socket> {
  const socket = connect(Number(new URL(server.url).port), '127.0.0.1').setEncoding('latin1')
  socket.on('error', () => {})
  socket.write(
    `PUT /session/late HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n${headers}\r\n`,
  )
  assert.match(String((await once(socket, 'data'))[0]), /^HTTP\/1\.1 100 /)
  return socket
}

test.run()
