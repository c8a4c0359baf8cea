import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { openClient } from './support/http-client.ts'
import { skip } from './support/skip.ts'
import { makeFolder, PROGRAM, spawnServer } from './support/spawn-server.ts'

const test = suite('young garbage')

const CONNECTIONS_GONE = 1_000
const CONNECTIONS = 8
const REQUESTS_OF_EACH = 2_500

/** Of what is collected young there is nothing but the requests under way: it is 1 % here. */
const SURVIVING_LIMIT = 0.1

test('what a request leaves behind is collected young, however many connections have gone', async () => {
  const [node = '', ...server] = PROGRAM
  if (server.length === 0) skip('the binary takes no flags of V8')
  const args = ['--data', join(makeFolder(), 'sessions.db')]
  const { url, kill, ended, stdout } = await spawnServer(
    args,
    {},
    [],
    [node, '--trace-gc', ...server],
  )

  const cookie = await createOverConnectionsOfTheirOwn(url, CONNECTIONS_GONE)
  const before = stdout().length
  const request = `GET /session/user HTTP/1.1\r\nHost: localhost\r\nCookie: ${cookie}\r\n\r\n`
  await Promise.all(
    Array.from({ length: CONNECTIONS }, async () => {
      const socket = connect(Number(new URL(url).port), '127.0.0.1')
      for (let asked = 0; asked < REQUESTS_OF_EACH; asked++) await askOnce(socket, request)
      socket.destroy()
    }),
  )
  const collections = readCollections(stdout().slice(before))
  kill('SIGTERM')
  assert.is((await ended).code, 0)

  assert.ok(collections.length > 5, `there were ${collections.length} collections`)
  const made = collections.reduce((sum, { allocatedMb }) => sum + allocatedMb, 0)
  const survived = collections.reduce((sum, { survivedMb }) => sum + survivedMb, 0)
  assert.ok(survived < made * SURVIVING_LIMIT, `of ${made} MB made, ${survived} MB survived`)
})

/** Answers the cookie of the last of so many new sessions. */
async function createOverConnectionsOfTheirOwn(url: string, count: number): Promise<string> {
  let cookie = ''
  for (let created = 0; created < count; created++) {
    const client = openClient(url)
    cookie = (await client.ask('PUT /session/user', { body: '"ada"' })).cookie
    client.close()
  }
  return cookie
}

async function askOnce(socket: Socket, request: string): Promise<void> {
  socket.write(request)
  await once(socket, 'data')
}

const COLLECTION = /Scavenge ([\d.]+) \([\d.]+\) -> ([\d.]+)/g

/** Collections of the young generation alone, each compared with the one before it. */
function readCollections(trace: string): { allocatedMb: number; survivedMb: number }[] {
  const sizes = [...trace.matchAll(COLLECTION)].map(([, full, left]) => [
    Number(full),
    Number(left),
  ])
  return sizes.slice(1).flatMap(([full = 0, left = 0], index) => {
    const [, before = 0] = sizes[index] ?? []
    // Where all of the memory was collected in between, there was less of it afterwards.
    return full < before ? [] : [{ allocatedMb: full - before, survivedMb: left - before }]
  })
}

test.run()
