import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { nodeFlags } from '../../lib/program/node-flags.js'
import { openClient } from '../kit/clients/http-client.ts'
import { skip } from '../kit/runner/skip.ts'
import { makeFolder, PROGRAM, spawnServer } from '../kit/process/spawn-server.ts'

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
  const flags = [...nodeFlags, '--max-semi-space-size=16', '--trace-gc']
  const program = [node, ...flags, ...server]
  const { url, kill, ended, stdout } = await spawnServer(args, {}, [], program)

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

  const made = collections.reduce((sum, { allocatedMb }) => sum + allocatedMb, 0)
  const survived = collections.reduce((sum, { survivedMb }) => sum + survivedMb, 0)
  assert.ok(made > 80, `${made} MB were made`)
  assert.ok(survived < made * SURVIVING_LIMIT, `of ${made} MB made, ${survived} MB survived`)
})

/** Answers the cookie of the last of so many new sessions. */
async function createOverConnectionsOfTheirOwn(url: string, count: number): Promise<string> {
  let cookie = ''
  for (let created = 0; created < count; created++) {
    const client = openClient(url)
    const answer = await client.ask('PUT /session/user', { body: '"ada"' })
    client.close()
    assert.is(answer.status, 204)
    cookie = answer.cookie
  }
  return cookie
}

async function askOnce(socket: Socket, request: string): Promise<void> {
  socket.write(request)
  const [answer] = await once(socket, 'data')
  assert.ok(String(answer).startsWith('HTTP/1.1 200 '), String(answer))
}

const COLLECTION = /:(0x[\da-f]+)\].* Scavenge ([\d.]+) \([\d.]+\) -> ([\d.]+)/g

/** The main thread's collections of its young generation alone, each compared with the one before it. */
function readCollections(trace: string): { allocatedMb: number; survivedMb: number }[] {
  const byThread = Map.groupBy(trace.matchAll(COLLECTION), ([, thread]) => thread)
  const busiest = [...byThread.values()].toSorted((a, b) => b.length - a.length)[0] ?? []
  const sizes = busiest.map(([, , full, left]) => ({ full: Number(full), left: Number(left) }))
  return sizes.slice(1).flatMap(({ full, left }, index) => {
    const before = sizes[index]?.left ?? 0
    // Where all of the memory was collected in between, there was less of it afterwards.
    return full < before ? [] : [{ allocatedMb: full - before, survivedMb: left - before }]
  })
}

test.run()
