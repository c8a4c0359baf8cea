/** The real program when the clock of its machine jumps, forth and back, also while it is stopped. */
import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type Answer, openClient } from '../kit/clients/http-client.ts'
import { openShiftedClock, type ShiftedClock } from '../kit/clock/shifted-clock.ts'
import { makeFolder, spawnServer } from '../kit/process/spawn-server.ts'

const test = suite('wall clock')

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const YEAR = 365 * 24 * HOUR
/** What a request may take on a busy machine. */
const MARGIN = 10_000

test('a jump past the idle timeout ends who was idle, at their deadline, and no jump back revives them', async () => {
  const server = await start()
  const idle = await server.create()
  const busy = await server.create()
  server.clock.set(idle.expiresAt - MARGIN)
  assert.is((await server.read(idle, '?touch=false')).status, 200)
  assert.is((await server.read(busy)).status, 200)

  server.clock.set(idle.expiresAt)
  assert.equal(endIn(await server.read(idle)), ['idle_timeout', idle.expiresAt])
  assert.is((await server.client.ask('GET /verify', { cookie: idle.cookie })).status, 401)
  assert.is((await server.ask(`GET /sessions/${idle.id}`)).status, 410)
  assert.equal(await server.ids(), [busy.id])
  assert.is((await server.read(busy)).status, 200)
  await server.untilSwept(1)
  for (const time of [idle.createdAt, idle.createdAt - 10 * YEAR, idle.expiresAt - 1]) {
    server.clock.set(time)
    assert.equal(endIn(await server.read(idle)), ['idle_timeout', idle.expiresAt])
    assert.is((await server.read(busy)).status, 200)
  }
  await server.stop()
})

test('whatever comes in between, a session that is used all the time ends with its lifetime', async () => {
  const server = await start()
  const session = await server.create()
  const end = session.createdAt + 2 * HOUR
  for (let time = session.createdAt; time < end - MARGIN; time += 20 * MINUTE) {
    server.clock.set(time)
    assert.is((await server.read(session)).status, 200)
    // A write under a clock that is behind takes nothing away, and gives nothing.
    server.clock.set(time - YEAR)
    assert.is((await server.write(session)).status, 204)
  }
  server.clock.set(end - MARGIN)
  assert.is((await server.write(session)).status, 204)
  server.clock.set(end)
  assert.equal(endIn(await server.read(session)), ['lifetime', end])
  await server.stop()
})

test('a jump back ends nobody, in the server that runs and in the one that is started then', async () => {
  let server = await start()
  const sessions = []
  for (let n = 0; n < 50; n++) sessions.push(await server.create())
  const began = sessions[0]?.createdAt ?? 0
  for (const back of [HOUR, 10 * YEAR]) {
    server.clock.set(began - back)
    // One that dies under the clock that was set back: its sweep is the one that ends nobody else.
    const brief = await server.create({ idleTimeout: 60 })
    server.clock.set(brief.expiresAt)
    await server.untilSwept(1)
    assert.is(server.swept(), 1)
    for (const session of sessions) assert.is((await server.read(session)).status, 200)
    assert.is((await server.ids()).length, sessions.length)

    await server.stop()
    server = await start(server)
    assert.is((await server.ids()).length, sessions.length)
    for (const session of sessions) assert.is((await server.read(session)).status, 200)
  }
  await server.stop()

  // And forth again, to when all of them are dead: not one is served by a server that has just begun.
  const last = sessions.at(-1)?.createdAt ?? 0
  server.clock.set(last + 2 * HOUR)
  server = await start(server)
  for (const session of sessions) assert.is((await server.read(session)).status, 410)
  assert.equal(await server.ids(), [])
  await server.untilSwept(sessions.length)
  await server.stop()
})

type Held = {
  readonly id: string
  readonly cookie: string
  readonly createdAt: number
  readonly expiresAt: number
}

type Place = { readonly folder: string; readonly clock: ShiftedClock }

const KEY = 'ck_a-key-for-the-tests-of-the-wall-clock-000000'

/** A server, on the file and by the clock of another one if it is to go on from there. */
async function start(before?: Place) {
  const folder = before?.folder ?? makeFolder()
  const clock = before?.clock ?? openShiftedClock(folder)
  const limits = ['--idle-timeout', '30m', '--lifetime', '2h', '--sweep-interval', '1s']
  const server = await spawnServer(
    ['--data', join(folder, 'sessions.db'), ...limits],
    { COATCHECK_API_KEY: KEY },
    clock.under,
  )
  const client = openClient(server.url)
  const ask = (line: string, body = '') => client.ask(line, { body, key: KEY })

  /** How many sessions have been swept, as the log has it. */
  function swept(): number {
    const counts = [...server.stderr().matchAll(/"event":"swept","ended":(\d+)/g)]
    return counts.reduce((sum, [, ended]) => sum + Number(ended), 0)
  }

  return {
    folder,
    clock,
    client,
    ask,
    swept,
    async create(draft: { readonly idleTimeout?: number } = {}): Promise<Held> {
      const answer = await ask('POST /sessions', JSON.stringify(draft))
      assert.is(answer.status, 201, answer.body)
      const session: { id: string; token: string; createdAt: string; expiresAt: string } =
        JSON.parse(answer.body)
      const { id, token, createdAt, expiresAt } = session
      const times = { createdAt: Date.parse(createdAt), expiresAt: Date.parse(expiresAt) }
      return { id, cookie: `sid=${token}`, ...times }
    },
    read: ({ cookie }: Held, query = '') => client.ask(`GET /session${query}`, { cookie }),
    write: ({ cookie }: Held) => client.ask('PUT /session/user', { cookie, body: '"ada"' }),
    async ids(): Promise<string[]> {
      const page: { sessions: { id: string }[] } = JSON.parse(
        (await ask('GET /sessions?limit=1000')).body,
      )
      return page.sessions.map(({ id }) => id)
    },
    async untilSwept(count: number): Promise<void> {
      for (const end = performance.now() + 20_000; swept() < count; await nextTurn()) {
        if (performance.now() > end) throw new Error(`${swept()} of ${count} have been swept`)
      }
    },
    async stop(): Promise<void> {
      client.close()
      server.kill('SIGTERM')
      assert.is((await server.ended).code, 0)
    },
  }
}

/** Why and when the session has ended, of which the answer says so. */
function endIn({ status, body }: Answer): readonly [string, number] {
  const { reason, endedAt }: { reason?: string; endedAt?: string } = JSON.parse(body)
  return [reason ?? String(status), Date.parse(endedAt ?? '')]
}

test.run()
