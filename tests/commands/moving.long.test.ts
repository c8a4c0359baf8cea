// A running service that moves from a file to a database and back, with all that it has. On a PostgreSQL
// cluster of this file's own.
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { EXIT } from '../../lib/command-line/exit-codes.ts'
import { type AskServer, openClient, type Sent } from '../kit/clients/http-client.ts'
import { findPostgres, freePort, startCluster } from '../kit/postgres/cluster.ts'
import {
  makeFolder,
  PROGRAM,
  type RunningServer,
  runServer,
  spawnServer,
} from '../kit/process/spawn-server.ts'
import { skip } from '../kit/runner/skip.ts'

const test = suite('moving between stores')
const bin = findPostgres()

/** No sweep of its own comes in between: what has expired is moved unswept. */
const FLAGS = ['--max-sessions-per-sub', '2', '--sweep-interval', '1h']
const KEPT_MS = 10_000

if (bin === undefined) {
  test('a service moves to PostgreSQL', () => skip('postgresql is not installed'))
} else {
  test('a service moves to a database and back, and each who asks finds all as it was', async () => {
    const cluster = await startCluster(bin)
    const folder = makeFolder()
    const first = ['--data', join(folder, 'first.db')]
    const address = `postgres://coat@127.0.0.1:${cluster.port}/${await cluster.createDatabase()}`
    const database = ['--store', address]
    const last = ['--data', join(folder, 'last.db')]
    const port = String(await freePort())
    const start = (data: readonly string[]) => spawnServer(['--port', port, ...FLAGS, ...data])

    let server = await start(first)
    const { ask, close } = openClient(server.url)
    const keys = await makeKeys(first)
    const questions = await fill(ask, keys)
    const feed: Feed = JSON.parse((await ask('GET /events', { key: keys.all })).body)
    assert.ok(feed.events.length > 0)
    const visitors = Array.from({ length: 8 }, () => startVisitor(server.url))
    await Promise.all(visitors.map((visitor) => visitor.untilCounted(1)))
    const before = await observe(ask, questions)
    let kept: { id: string; endedAt: number } | undefined

    for (const [from, to] of [
      [first, database],
      [database, last],
    ] as const) {
      await Promise.all(visitors.map((visitor) => visitor.untilCounted(3)))
      kept = await endKept(ask, keys.all, `kept-${to[0]}-in-mind`)
      await stop(server)
      await move(from, to)
      const checked = await runServer(['check', ...to])
      assert.is(checked.code, EXIT.done, checked.stdout)
      server = await start(to)
      const after = await observe(ask, questions)
      for (const name of Object.keys(questions)) {
        assert.equal([name, after[name]], [name, before[name]])
      }
      await assertForgotten(ask, keys.all, feed.next)
    }
    await Promise.all(visitors.map((visitor) => visitor.untilCounted(3)))
    for (const counted of await Promise.all(visitors.map((visitor) => visitor.stop()))) {
      const { status, body } = await ask('GET /session/count', counted)
      assert.equal([status, Number(body)], [200, counted.count])
    }
    if (kept !== undefined) await assertFreeAfter(ask, keys.all, kept)
    close()
    await stop(server)
    await cluster.stop()
  })
}

test.run()

type Keys = Readonly<Record<'all' | 'read' | 'metrics' | 'shop' | 'revoked' | 'first', string>>

/** One of each scope, one of an app, one that is revoked; and the first, which the start has made. */
async function makeKeys(data: readonly string[]): Promise<Keys> {
  const run = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await runServer(['key', ...args, ...data])
    assert.is(code, EXIT.done, stderr)
    return stdout.trim()
  }
  const keys = {
    first: readFileSync(`${data[1]}.api-key`, 'utf8').trim(),
    all: await run('new', 'all'),
    read: await run('new', 'read', '--scope', 'read'),
    metrics: await run('new', 'metrics', '--scope', 'metrics'),
    shop: await run('new', 'shop', '--app', 'shop'),
    revoked: await run('new', 'revoked'),
  }
  await run('revoke', 'revoked')
  return keys
}

/** What is asked before and after, by its name; no question changes anything. */
type Questions = Readonly<Record<string, readonly [line: string, sent: Sent]>>

type Made = { readonly id: string; readonly token: string }

async function fill(ask: AskServer, keys: Keys): Promise<Questions> {
  const { all, shop } = keys
  const holder = async (line: string, body: string, cookie?: string): Promise<string> => {
    const answer = await ask(line, { body, ...(cookie !== undefined && { cookie }) })
    assert.ok(answer.status < 300, `${line}: ${answer.status} ${answer.body}`)
    return answer.cookie === '' ? (cookie ?? '') : answer.cookie
  }
  const make = async (body: object, key = all): Promise<Made> => {
    const answer = await ask('POST /sessions', { key, body: JSON.stringify(body) })
    assert.is(answer.status, 201, answer.body)
    return JSON.parse(answer.body)
  }
  const put = async (id: string, body: object, key = all): Promise<void> => {
    const sent = { key, body: JSON.stringify(body) }
    assert.is((await ask(`PUT /sessions/${encodeURIComponent(id)}`, sent)).status, 201)
  }
  const end = async (line: string, sent: Sent): Promise<void> => {
    assert.ok((await ask(line, sent)).status < 300, line)
  }
  const cookieOf = ({ token }: Made) => `sid=${token}`

  const exact = '{"n":12345678901234567890,"x": 1.0 ,"e":1e400,"__proto__":{"é 😀":"\\ud800"}}'
  const plain = await holder('PUT /session', exact)
  const changed = await holder('PUT /session/step', '1')
  for (let n = 0; n < 3; n++) await holder('PATCH /session/step', '{"increment":1}', changed)
  const permanent = await holder('PUT /session/user', '"ada"')
  await holder('PATCH /session', '{"permanent":true}', permanent)
  const replaced = await holder('PUT /session/user', '"eve"')
  const renewed = await holder('POST /session/renew', '', replaced)
  const loggedOut = await holder('PUT /session/user', '"bob"')
  await end('DELETE /session', { cookie: loggedOut })

  const claims = { sub: 'zoë', roles: ['admin'] }
  const evicted = await make({ claims, data: { turn: 1 } })
  const limited = await make({ claims, idleTimeout: 3_600, lifetime: 7_200, keepEnded: 60 })
  await make({ claims, permanent: true })
  const ofShop = await make({ claims, data: { cart: [1] } }, shop)
  const goneOfShop = await make({ claims: { sub: 'max' } }, shop)
  await end(`DELETE /sessions/${goneOfShop.id}`, { key: shop })
  const revoked = await make({ claims: { sub: 'flo' } })
  await end('DELETE /sessions?sub=flo', { key: all })
  const idle = await make({ idleTimeout: 1, lifetime: 60 })
  const old = await make({ idleTimeout: 1, lifetime: 1 })
  const hashed = 'Zt5GmX0pQ8sV2nB7cJ4kLZt5GmX0pQ8sV2nB7cJ4kL0'
  for (const id of [hashed, 'login/é 1', 'ended-by-name']) await put(id, { data: { id } })
  await put('ended-by-name', {}, shop)
  for (const key of [all, shop]) await end('DELETE /sessions/ended-by-name', { key })
  await put('free-at-once', { keepEnded: 0 })
  await end('DELETE /sessions/free-at-once', { key: all })

  const cookies = {
    ...{ plain, changed, permanent, renewed, replaced, 'logged out': loggedOut },
    ...{ evicted: cookieOf(evicted), limited: cookieOf(limited), shop: cookieOf(ofShop) },
    ...{ 'gone of shop': cookieOf(goneOfShop), revoked: cookieOf(revoked) },
    ...{ idle: cookieOf(idle), old: cookieOf(old), forged: `${cookieOf(limited).slice(0, -1)}~` },
  }
  const questions: Questions = Object.fromEntries([
    ...Object.entries(cookies).map(
      ([name, cookie]) => [`cookie: ${name}`, ['GET /session?touch=false', { cookie }]] as const,
    ),
    ...Object.entries(keys).flatMap(([name, key]) => [
      [`list by ${name}`, ['GET /sessions?limit=100', { key }]] as const,
      [`user by ${name}`, ['GET /sessions?sub=zo%C3%AB', { key }]] as const,
      [`count by ${name}`, ['GET /sessions?count=true', { key }]] as const,
      // Nothing is made: the id has ended, or who asks must not.
      [`write by ${name}`, ['PUT /sessions/ended-by-name', { key, body: '{}' }]] as const,
    ]),
    ...[hashed, 'login/é 1', 'ended-by-name', 'free-at-once', idle.id, 'nobody'].map((id) => {
      const line = `GET /sessions/${encodeURIComponent(id)}?touch=false`
      return [`named: ${id}`, [line, { key: all }]] as const
    }),
    ['renewed token writes', ['PUT /session/late', { cookie: replaced, body: '1' }]],
    ['ended name again', ['POST /sessions/ended-by-name/clear', { key: all }]],
  ])
  const overdue = async (): Promise<boolean> =>
    (await ask('GET /session', { cookie: cookies.idle })).status === 410 &&
    (await ask('GET /session', { cookie: cookies.old })).status === 410
  while (!(await overdue())) await sleep(1_100)
  await assertKinds(ask, questions)
  return questions
}

/** That the questions are about what they say: else nothing would be compared. */
async function assertKinds(ask: AskServer, questions: Questions): Promise<void> {
  const reasons: Record<string, string> = {
    'cookie: replaced': 'renewed',
    'cookie: logged out': 'logout',
    'cookie: evicted': 'evicted',
    'cookie: gone of shop': 'revoked',
    'cookie: revoked': 'revoked',
    'cookie: idle': 'idle_timeout',
    'cookie: old': 'lifetime',
    'named: ended-by-name': 'revoked',
    'write by all': 'revoked',
    'renewed token writes': 'renewed',
  }
  const statuses: Record<string, number> = {
    'cookie: plain': 200,
    'cookie: renewed': 200,
    'cookie: shop': 200,
    'cookie: forged': 404,
    'named: login/é 1': 200,
    'named: free-at-once': 404,
    'list by first': 200,
    'list by read': 200,
    'write by read': 403,
    'list by metrics': 403,
    'list by revoked': 401,
  }
  for (const [name, [line, sent]] of Object.entries(questions)) {
    const { status, body } = await ask(line, sent)
    if (name in reasons) {
      const { reason }: { reason?: string } = JSON.parse(body)
      assert.equal([name, status, reason], [name, 410, reasons[name]])
    } else if (name in statuses) {
      assert.equal([name, status], [name, statuses[name]])
    }
  }
}

async function observe(ask: AskServer, questions: Questions): Promise<Record<string, unknown>> {
  const seen: Record<string, unknown> = {}
  for (const [name, [line, sent]] of Object.entries(questions)) {
    const { status, body, headers } = await ask(line, sent)
    seen[name] = [status, headers['etag'], withoutVisitors(body)]
  }
  return seen
}

/** In a list are those who go on counting, too. */
function withoutVisitors(body: string): unknown {
  if (!body.startsWith('{"sessions":')) return body
  const { sessions, ...rest }: { sessions: { data: object }[] } = JSON.parse(body)
  return { ...rest, sessions: sessions.filter(({ data }) => !('count' in data)) }
}

type Feed = { readonly events: readonly unknown[]; readonly next: string }

/** Who followed the feed is told that it begins anew, and from where all is there. */
async function assertForgotten(ask: AskServer, key: string, cursor: string): Promise<void> {
  const { status, body } = await ask(`GET /events?after=${cursor}`, { key })
  const { code, oldest }: { code?: string; oldest?: string } = JSON.parse(body)
  assert.equal([status, code], [410, 'events_forgotten'])
  assert.is((await ask(`GET /events?after=${oldest}`, { key })).status, 200)
}

/** Ends a session whose end is remembered for a time of its own. */
async function endKept(ask: AskServer, key: string, id: string) {
  const body = JSON.stringify({ keepEnded: KEPT_MS / 1_000 })
  assert.is((await ask(`PUT /sessions/${id}`, { key, body })).status, 201)
  assert.is((await ask(`DELETE /sessions/${id}`, { key })).status, 204)
  const { status, body: told } = await ask(`GET /sessions/${id}`, { key })
  assert.is(status, 410)
  const { endedAt }: { endedAt: string } = JSON.parse(told)
  return { id, endedAt: Date.parse(endedAt) }
}

/** Nobody gets the id before that time is over, and somebody does then. */
async function assertFreeAfter(
  ask: AskServer,
  key: string,
  { id, endedAt }: { id: string; endedAt: number },
): Promise<void> {
  for (;;) {
    const { status } = await ask(`PUT /sessions/${id}`, { key, body: '{}' })
    if (status === 201) break
    assert.is(status, 410)
    await sleep(100)
  }
  assert.ok(Date.now() >= endedAt + KEPT_MS)
}

/** Counts up in a session, and asks again where nobody answers: what was acknowledged must be there. */
function startVisitor(url: string) {
  let cookie = ''
  let count = 0
  let isStopped = false
  const { ask, close } = openClient(url)
  const underWay = (async () => {
    while (!isStopped) {
      try {
        const body = '{"increment":1}'
        const answer = await ask(
          'PATCH /session/count',
          cookie === '' ? { body } : { body, cookie },
        )
        if (answer.status === 200) count++
        if (answer.status === 200 && answer.cookie !== '') cookie = answer.cookie
      } catch {
        // Between two servers.
      }
      await sleep(20)
    }
    close()
  })()
  return {
    /** Resolves once it has counted so many more. */
    async untilCounted(more: number): Promise<void> {
      const target = count + more
      while (count < target) await sleep(20)
    },
    async stop() {
      isStopped = true
      await underWay
      return { cookie, count }
    },
  }
}

/** `coatcheck export --everything | coatcheck import --everything`, as a shell runs it. */
async function move(from: readonly string[], to: readonly string[]): Promise<void> {
  const [command = '', ...program] = PROGRAM
  const reader = spawn(command, [...program, 'export', '--everything', ...from])
  const writer = spawn(command, [...program, 'import', '--everything', ...to])
  reader.stdout.pipe(writer.stdin)
  const codes = await Promise.all([reader, writer].map(codeOf))
  assert.equal(codes, [EXIT.done, EXIT.done])
}

function codeOf(child: ReturnType<typeof spawn>): Promise<number | null> {
  return new Promise((resolve) => child.once('close', resolve))
}

async function stop(server: RunningServer): Promise<void> {
  server.kill('SIGTERM')
  assert.is((await server.ended).code, EXIT.done)
}
