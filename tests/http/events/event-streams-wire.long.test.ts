/** Streams of events over real sockets, from the real program. */
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import Database from 'better-sqlite3'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { followStream } from '../../kit/clients/event-stream.ts'
import { openClient } from '../../kit/clients/http-client.ts'
import { findNginx, startNginx } from '../../kit/proxies/nginx.ts'
import { makeFolder, PROGRAM, runServer, spawnServer } from '../../kit/process/spawn-server.ts'

const test = suite('event streams over the wire')

test('a stream is chunked, ends with its connection, and is no reason for a stop to wait', async () => {
  const site = await open()
  const reading = site.connect('GET /events')
  const text = await until(reading, /\r\n\r\n[^]*id: /)
  assert.match(text, /^HTTP\/1\.1 200 OK\r\n/)
  assert.match(text, /\r\nTransfer-Encoding: chunked\r\n/i)
  assert.match(text, /\r\nConnection: close\r\n/i)
  const blocked = site.connect('GET /events?after=0')
  blocked.pause()
  const began = performance.now()
  const ended = once(reading, 'end')
  site.server.kill('SIGTERM')
  await ended
  assert.is((await site.server.ended).code, 0)
  assert.ok(performance.now() - began < 3_000, `${performance.now() - began} ms`)
  blocked.destroy()
})

test('a stop cuts a reader that takes nothing, and does not wait for it', async () => {
  const site = await open(['--request-timeout', '1m'])
  site.fill(200_000)
  const blocked = site.connect('GET /events?after=0')
  await once(blocked, 'readable')
  await sleep(500)
  const began = performance.now()
  site.server.kill('SIGTERM')
  assert.is((await site.server.ended).code, 0)
  assert.ok(performance.now() - began < 3_000, `${performance.now() - began} ms`)
  blocked.destroy()
})

test('a reader that takes nothing is cut after --request-timeout; one that is slow is not', async () => {
  const site = await open(['--header-timeout', '1s', '--request-timeout', '2s'])
  site.fill(400_000)
  const blocked = site.connect('GET /events?after=0')
  const slow = site.connect('GET /events?after=0')
  let isCut = false
  slow.on('close', () => (isCut = true))
  let taken = 0
  slow.on('data', (chunk: Buffer) => {
    taken += chunk.length
    slow.pause()
    setTimeout(() => slow.resume(), 20)
  })
  await once(blocked, 'readable')
  const began = performance.now()
  // What was sent before is still to be read; behind it is the end.
  await sleep(7_000)
  assert.is(isCut, false)
  // More than the buffers of the kernel hold.
  assert.ok(taken > 8_000_000, `${taken} bytes`)
  blocked.resume()
  await once(blocked, 'close')
  assert.ok(performance.now() - began < 9_000)
  slow.destroy()
  await site.stop()
})

test('a key that a command revokes ends its streams within seconds', async () => {
  const site = await open()
  const { stdout } = await runServer(['key', 'new', 'watcher', '--scope', 'read', ...site.data])
  const socket = site.connect('GET /events', stdout.trim())
  await until(socket, /id: /)
  const ended = once(socket, 'end')
  const other = site.connect('GET /events')
  await until(other, /id: /)
  await runServer(['key', 'revoke', 'watcher', ...site.data])
  await ended
  assert.is(other.readableEnded, false)
  other.destroy()
  await site.stop()
})

test('what a command ends beside the server is told; what it imports begins untold', async () => {
  const site = await open()
  const { body } = await site.client.ask('POST /sessions', {
    ...{ key: site.key, body: '{"claims":{"sub":"ada"}}' },
  })
  const { id }: { id: string } = JSON.parse(body)
  const stream = await site.follow()
  const exported = await runServer(['export', ...site.data])
  const line = exported.stdout.split('\n').find((text) => text.includes(id)) ?? ''
  const file = join(site.folder, 'one.ndjson')
  writeFileSync(file, `${line.replaceAll(id, 'an-id-that-was-imported')}\n`)
  const importing = spawnSync('sh', [
    '-c',
    `"$@" < ${file}`,
    'sh',
    ...PROGRAM,
    'import',
    ...site.data,
  ])
  assert.is(importing.status, 0, String(importing.stderr))
  const ending = await runServer(['end', '--sub', 'ada', ...site.data])
  assert.match(ending.stdout, 'Ended 2')
  const told = [await stream.nextEvent(), await stream.nextEvent()]
  assert.equal(
    told.map((event) => `${event?.type} ${event?.reason} ${event?.session}`).toSorted(),
    [`session.ended revoked ${id}`, 'session.ended revoked an-id-that-was-imported'].toSorted(),
  )
  await stream.close()
  await site.stop()
})

test('what follows a stream on its connection is not answered, and holds nobody up', async () => {
  const site = await open()
  const socket = site.connect('GET /events')
  socket.write(`GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n`)
  await until(socket, /id: /)
  assert.is((await site.client.ask('GET /healthz')).status, 200)
  socket.destroy()
  await site.stop()
})

test('a client of HTTP/1.0 gets its stream without chunks', async () => {
  const site = await open()
  const socket = site.connect('GET /events', site.key, '1.0')
  const text = await until(socket, /id: \d+-[\w-]+\n\n/)
  assert.not.match(text, /transfer-encoding/i)
  assert.match(text, /\r\n\r\nretry: 1000\n\nid: /)
  socket.destroy()
  await site.stop()
})

test('nginx passes events on as they come, without a setting', async () => {
  findNginx()
  const site = await open()
  const nginx = await startNginx(
    (port) => `server { listen 127.0.0.1:${port}; location / { proxy_pass ${site.server.url}; } }`,
  )
  const headers = { authorization: `Bearer ${site.key}`, accept: 'text/event-stream' }
  const stream = followStream(await fetch(`${nginx.url}/events`, { headers }))
  assert.equal(await stream.next(), { retry: '1000' })
  await stream.next()
  for (let n = 0; n < 3; n++) {
    await site.client.ask('PUT /session/user', { body: '"ada"' })
    const event = await Promise.race([stream.nextEvent(), sleep(3_000, undefined, { ref: false })])
    assert.is(event?.type, 'session.created')
  }
  await stream.close()
  await nginx.stop()
  await site.stop()
})

test.run()

async function open(flags: readonly string[] = []) {
  const folder = makeFolder()
  const path = join(folder, 'sessions.db')
  const data = ['--data', path]
  const server = await spawnServer([...data, ...flags])
  const key = readFileSync(`${path}.api-key`, 'utf8').trim()
  const client = openClient(server.url)
  const { port } = new URL(server.url)

  function connectTo(line: string, own = key, version = '1.1'): Socket {
    const socket = connect({ port: Number(port), host: '127.0.0.1' })
    socket.on('error', () => {})
    const lines = [`${line} HTTP/${version}`, 'Host: localhost', `Authorization: Bearer ${own}`]
    socket.write(`${[...lines, 'Accept: text/event-stream'].join('\r\n')}\r\n\r\n`)
    return socket
  }

  return {
    ...{ server, key, client, folder, data },
    connect: connectTo,
    async follow() {
      const headers = { authorization: `Bearer ${key}`, accept: 'text/event-stream' }
      const stream = followStream(await fetch(`${server.url}/events`, { headers }))
      await stream.next()
      return stream
    },
    /** So many events in the file, as no server would write them. */
    fill(count: number): void {
      const database = new Database(path)
      database
        .prepare(
          `with recursive n(n) as (values (1) union all select n + 1 from n where n < ?)
           insert into events (at, kind, id) select ${Date.now()}, 1, 'event-number-' || n from n`,
        )
        .run(count)
      database.close()
    },
    async stop() {
      client.close()
      server.kill('SIGTERM')
      assert.is((await server.ended).code, 0)
    },
  }
}

/** What has come by the time that it looks so. */
async function until(socket: Socket, pattern: RegExp): Promise<string> {
  let text = ''
  while (!pattern.test(text)) {
    const [chunk]: Buffer[] = await once(socket, 'data')
    text += chunk?.toString('latin1')
  }
  return text
}
