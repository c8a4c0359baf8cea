// The real server on a database, on a PostgreSQL cluster of this file's own.
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { EXIT } from '../../lib/command-line/exit-codes.ts'
import { openClient } from '../kit/clients/http-client.ts'
import { openShiftedClock } from '../kit/clock/shifted-clock.ts'
import { type Cluster, findPostgres, startCluster } from '../kit/postgres/cluster.ts'
import {
  ATTEMPTS,
  isRefused,
  limitedProgram,
  probedProgram,
  probesOf,
} from '../kit/process/probed-program.ts'
import {
  allOrNone,
  makeFolder,
  runServer,
  type RunningServer,
  spawnServer,
} from '../kit/process/spawn-server.ts'
import { skip } from '../kit/runner/skip.ts'

const bin = findPostgres()

if (bin === undefined) {
  const test = suite('server on a database')
  test('a server runs on PostgreSQL', () => skip('postgresql is not installed'))
  test.run()
} else {
  const cluster = await startCluster(bin)
  testServer(cluster)
  const end = suite('server on a database ends')
  end('the cluster stops', () => cluster.stop())
  end.run()
}

function testServer(cluster: Cluster): void {
  const test = suite('server on a database')

  test('a server serves sessions from a database, and the next one has them, with the same API key', async () => {
    const address = await newDatabase(cluster)
    const keyPath = join(makeFolder(), 'key')
    const args = ['--store', address, '--api-key-file', keyPath]
    const first = await spawnServer(args, {}, [], limitedProgram())
    const jar = await putUser(first, '"ada"')
    const key = readFileSync(keyPath, 'utf8').trim()
    assert.is(await statusOf(first, 'GET /sessions', { key }), 200)
    assert.match(first.stdout(), `API key for back ends, made just now: ${keyPath}`)
    await stop(first)

    const second = await spawnServer(args, {}, [], limitedProgram())
    assert.is((await askOnce(second, 'GET /session/user', { cookie: jar })).body.trim(), '"ada"')
    assert.is(await statusOf(second, 'GET /sessions', { key }), 200)
    assert.is(await statusOf(second, 'DELETE /session', { cookie: jar }), 204)
    assert.is(await statusOf(second, 'GET /session', { cookie: jar }), 410)
    assert.not.match(second.stdout(), /made just now/)
    await stop(second)
  })

  test('the log says where the data is and what is weaker, and nobody is told the password', async () => {
    const password = 'hunter2-of-the-tests'
    const address = await newDatabase(cluster)
    const env = { COATCHECK_STORE_PASSWORD: password, COATCHECK_API_KEY: API_KEY }
    const server = await spawnServer(['--store', address, '--log-format', 'json'], env)
    const lines = server.stderr()
    assert.match(lines, `"data":"${address.replace('coat@', '')}"`)
    assert.match(lines, '"event":"promises_weaker","weaknesses":"asynchronous_replication"')
    const { status, body } = await askOnce(server, 'GET /healthz')
    assert.is(status, 200)
    assert.match(body, '"weaknesses":["asynchronous_replication"]')
    const metrics = await askOnce(server, 'GET /metrics', { key: API_KEY })
    assert.match(metrics.body, 'coatcheck_storage_weakness{weakness="asynchronous_replication"} 1')
    assert.not.match(metrics.body, /wal_bytes|sqlite=/)
    const page = await readPageOf(server, '/dashboard/storage')
    assert.match(page, address.replace('coat@', ''))
    assert.match(page, 'asynchronous_replication')
    assert.not.match(page, /coatcheck backup|Data file/)
    await stop(server)
    for (const told of [server.stdout(), server.stderr(), body, metrics.body, page]) {
      assert.not.match(told, password)
    }
  })

  test('a log-out on one server holds on the other at once, and both tell of it', async () => {
    const address = await newDatabase(cluster)
    const [one, other] = await startTwo(address)
    const jar = await putUser(one, '"ada"')
    assert.is((await askOnce(other, 'GET /session/user', { cookie: jar })).body.trim(), '"ada"')
    assert.is(await statusOf(other, 'DELETE /session', { cookie: jar }), 204)
    assert.is(await statusOf(one, 'GET /session', { cookie: jar }), 410)
    for (const server of [one, other]) {
      const { body } = await askOnce(server, 'GET /events', { key: API_KEY })
      const { events }: { events: { type: string }[] } = JSON.parse(body)
      assert.equal(
        events.map(({ type }) => type),
        ['session.created', 'session.ended'],
      )
      assert.match(await readPageOf(server, '/dashboard/feed'), 'logout')
    }
    await Promise.all([stop(one), stop(other)])
  })

  test('sessions go by the clock of the database, whatever the machine of a server or a command says', async () => {
    const address = await newDatabase(cluster)
    const env = { COATCHECK_API_KEY: API_KEY }
    const { under, set } = openShiftedClock(makeFolder())
    set(Date.now() + 3_600_000)
    const right = await spawnServer(['--store', address, '--idle-timeout', '30m'], env)
    const ahead = await spawnServer(['--store', address, '--idle-timeout', '30m'], env, under)
    const jar = await putUser(right, '"ada"')
    assert.is(await statusOf(ahead, 'GET /session', { cookie: jar }), 200)
    const late = await putUser(ahead, '"bob"')
    assert.is(await statusOf(right, 'GET /session', { cookie: late }), 200)
    const { body } = await askOnce(right, 'GET /session', { cookie: late })
    const { createdAt }: { createdAt: string } = JSON.parse(body)
    assert.ok(Math.abs(Date.parse(createdAt) - Date.now()) < 60_000, createdAt)
    assert.match((await askOnce(ahead, 'GET /healthz')).body, 'clock_differs')
    const ended = await runServer(['end', '--all', '--store', address], {}, under)
    assert.is(ended.stdout, 'Ended 2\n', ended.stderr)
    assert.is(await statusOf(right, 'GET /session', { cookie: jar }), 410)
    await Promise.all([stop(right), stop(ahead)])
  })

  test('of servers that start at once on an empty database, one makes the key, and all take it', async () => {
    const address = await newDatabase(cluster)
    // Two of them in one folder, as two containers with one volume are.
    const folders = [makeFolder(), makeFolder()]
    const paths = [0, 1, 1].map((at) => join(folders[at] ?? '', 'key'))
    const servers = await allOrNone(
      paths.map((path) => spawnServer(['--store', address, '--api-key-file', path])),
    )
    const made = servers.filter((server) => /made just now/.test(server.stdout()))
    assert.is(made.length, 1)
    const files = [...new Set(paths)].filter((path) => existsSync(path))
    assert.is(files.length, 1)
    const key = readFileSync(files[0] ?? '', 'utf8').trim()
    for (const server of servers) assert.is(await statusOf(server, 'GET /sessions', { key }), 200)
    assert.equal(await cluster.query('select count(*)::int from api_keys', nameIn(address)), [[1]])
    await Promise.all(servers.map(stop))
  })

  test('without a place of its own the first key goes into the folder data, which is made', async () => {
    const folder = makeFolder()
    const address = await newDatabase(cluster)
    const server = await spawnServer(['--store', address], {}, ['env', '-C', folder])
    const key = readFileSync(join(folder, 'data/coatcheck.api-key'), 'utf8').trim()
    assert.is(await statusOf(server, 'GET /sessions', { key }), 200)
    await stop(server)
  })

  test('a running server can do nothing but compute, and reach the network', async () => {
    const folder = makeFolder()
    const program = await probedProgram(folder)
    const args = ['--store', await newDatabase(cluster), '--api-key-file', join(folder, 'key')]
    const server = await spawnServer(args, {}, [], program)
    server.kill('SIGUSR2')
    const tried = () => new Set(probesOf(server).map(({ attempt }) => attempt))
    const expected = ATTEMPTS.filter((attempt) => !OF_NETWORK.test(attempt))
    while (expected.some((attempt) => !tried().has(attempt))) await askOnce(server, 'GET /session')
    const allowed = () => probesOf(server).filter((probed) => !isRefused(probed))
    // The network is left, and nothing else is.
    await until(async () => allowed().some(({ attempt }) => attempt === 'connect to another host'))
    assert.equal(
      allowed().filter(({ attempt }) => !OF_NETWORK.test(attempt)),
      [],
    )
    // What the probe has opened keeps it alive.
    server.kill('SIGKILL')
    await server.ended
  })

  test('connections that the database breaks are made anew, though all rights but one are gone', async () => {
    const address = await newDatabase(cluster)
    const args = ['--store', address, '--api-key-file', join(makeFolder(), 'key')]
    const server = await spawnServer(args, {}, [], limitedProgram())
    const jar = await putUser(server, '"ada"')
    const broken = await cluster.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where datname = '${nameIn(address)}'`,
    )
    assert.ok(broken.length >= 4)
    await until(async () => (await statusOf(server, 'GET /session', { cookie: jar })) === 200)
    await until(async () => (await askOnce(server, 'GET /healthz')).status === 200)
    assert.is(await statusOf(server, 'PUT /session/a', { cookie: jar, body: '1' }), 204)
    await stop(server)
  })

  test('a database that cannot be reached, or lets nobody in, refuses the start, and says why', async () => {
    const password = 'hunter2-of-the-tests'
    const path = join(makeFolder(), 'password')
    writeFileSync(path, `${password}\n`)
    await requirePassword(cluster, 'locked', 'another-password')
    const at = `@127.0.0.1:${cluster.port}`
    for (const [address, reason] of [
      [
        'postgres://coat@127.0.0.1:1/coat',
        /^Cannot reach the database: 127\.0\.0\.1:1: .*ECONNREFUSED/,
      ],
      [`postgres://coat${at}/nowhere`, /^Cannot reach the database: .*"nowhere" does not exist/],
      [
        `postgres://locked${at}/postgres`,
        /^Cannot reach the database: .*password authentication failed/,
      ],
    ] as const) {
      const args = ['--store', address, '--store-password-file', path]
      for (const run of [
        await runServer(['--port', '0', ...args]),
        await runServer(['list', ...args]),
      ]) {
        assert.is(run.code, EXIT.unavailable, run.stderr)
        assert.match(run.stderr, reason)
        assert.not.match(run.stderr, password)
      }
    }
    const without = await runServer(['list', '--store', `postgres://locked${at}/postgres`])
    assert.is(without.code, EXIT.unavailable)
    assert.match(without.stderr, /it asks for a password, and there is none/)
  })

  test('with its password a database lets the server in, by the environment or a file', async () => {
    const password = 'The pass/word: 100% right?'
    const path = join(makeFolder(), 'password')
    writeFileSync(path, `${password}\n`)
    await requirePassword(cluster, 'ada', password)
    await cluster.query('create database of_ada owner ada')
    const address = `postgres://ada@127.0.0.1:${cluster.port}/of_ada`
    const env = { COATCHECK_STORE_PASSWORD: password, COATCHECK_API_KEY: API_KEY }
    await stop(await spawnServer(['--store', address], env, [], limitedProgram()))
    const byFile = ['--store', address, '--store-password-file', path]
    assert.is((await runServer(['list', ...byFile])).code, EXIT.done)
    // What libpq reads counts for nothing here.
    const other = await runServer(['list', '--store', address], { PGPASSWORD: password })
    assert.match(other.stderr, /it asks for a password, and there is none/)
  })

  test('a password that is changed in its file is taken by a running server, one of the environment is not', async () => {
    await requirePassword(cluster, 'eve', 'before')
    await cluster.query('create database of_eve owner eve')
    const address = `postgres://eve@127.0.0.1:${cluster.port}/of_eve`
    const path = join(makeFolder(), 'password')
    writeFileSync(path, 'before\n')
    const key = { COATCHECK_API_KEY: API_KEY }
    const byFile = ['--store', address, '--store-password-file', path]
    const [changing, fixed] = await Promise.all([
      spawnServer(byFile, key, [], limitedProgram()),
      spawnServer(['--store', address], { ...key, COATCHECK_STORE_PASSWORD: 'before' }),
    ])
    const jar = await putUser(changing, '"ada"')
    const healthOf = (server: RunningServer) => statusOf(server, 'GET /healthz')

    await cluster.query("alter role eve password 'after'")
    assert.equal(await Promise.all([healthOf(changing), healthOf(fixed)]), [200, 200])
    // As whoever manages secrets replaces a file.
    writeFileSync(`${path}.new`, 'after\n')
    renameSync(`${path}.new`, path)
    await dropConnectionsOf(cluster, 'eve')
    await until(async () => (await healthOf(fixed)) === 503)
    await until(async () => (await healthOf(changing)) === 200)
    assert.is((await askOnce(changing, 'GET /session/user', { cookie: jar })).body.trim(), '"ada"')

    // The last that was read counts where there is none.
    rmSync(path)
    await dropConnectionsOf(cluster, 'eve')
    await until(async () => (await healthOf(changing)) === 200)
    assert.is(await statusOf(changing, 'DELETE /session', { cookie: jar }), 204)
    assert.is(await healthOf(fixed), 503)
    await Promise.all([stop(changing), stop(fixed)])
    assert.not.match(changing.stderr() + fixed.stderr(), /\b(?:before|after)\b/)
  })

  test('a database that acknowledges what a crash loses is refused, unless durability is relaxed', async () => {
    await cluster.set('fsync', 'off')
    const args = ['--store', await newDatabase(cluster)]
    const env = { COATCHECK_API_KEY: API_KEY }
    const refused = await runServer(['--port', '0', ...args], env)
    assert.is(refused.code, EXIT.unavailable)
    assert.match(refused.stderr, /no_fsync.*--durability relaxed/)
    const server = await spawnServer([...args, '--durability', 'relaxed'], env)
    assert.match((await askOnce(server, 'GET /healthz')).body, 'no_fsync')

    // Without a database nothing is answered that nobody knows to be so. The last test: no other finds it.
    const jar = await putUser(server, '"ada"')
    await cluster.stop()
    await until(async () => (await askOnce(server, 'GET /healthz')).status === 503)
    assert.match((await askOnce(server, 'GET /healthz')).body, '"status":"unreachable"')
    assert.is(await statusOf(server, 'GET /session', { cookie: jar }), 503)
    assert.is(await statusOf(server, 'PUT /session/a', { cookie: jar, body: '1' }), 503)
    await until(async () => /storage_unreachable/.test(server.stderr()))
    await stop(server)
  })

  test.run()
}

/** What the right to use the network allows. */
const OF_NETWORK = /connect|fetch|datagram|look a name up|name server|listen/

const API_KEY = 'ck_the-key-of-all-the-tests'

async function newDatabase(cluster: Cluster): Promise<string> {
  return `postgres://coat@127.0.0.1:${cluster.port}/${await cluster.createDatabase()}`
}

function nameIn(address: string): string {
  return address.slice(address.lastIndexOf('/') + 1)
}

/** A user that is let in with this password alone. */
async function requirePassword(cluster: Cluster, user: string, password: string): Promise<void> {
  await cluster.query(`create role ${user} login password '${password}'`)
  const path = join(cluster.folder, 'pg_hba.conf')
  writeFileSync(path, `host all ${user} 127.0.0.1/32 scram-sha-256\n${readFileSync(path, 'utf8')}`)
  await cluster.query('select pg_reload_conf()')
  await until(async () => {
    const [row] = await cluster.query(
      `select count(*)::int from pg_hba_file_rules where '${user}' = any(user_name)`,
    )
    return row?.[0] === 1
  })
}

/** Resolves once all that there were have been ended. */
async function dropConnectionsOf(cluster: Cluster, user: string): Promise<void> {
  const ended = await cluster.query(
    `select pid, pg_terminate_backend(pid, 10000) from pg_stat_activity where usename = '${user}'`,
  )
  assert.ok(ended.length > 0)
}

async function startTwo(address: string): Promise<[RunningServer, RunningServer]> {
  const start = () => spawnServer(['--store', address], { COATCHECK_API_KEY: API_KEY })
  return await allOrNone<[RunningServer, RunningServer]>([start(), start()])
}

type Sent = { readonly cookie?: string; readonly key?: string; readonly body?: string }

async function askOnce(server: RunningServer, line: string, sent: Sent = {}) {
  const { ask, close } = openClient(server.url)
  try {
    return await ask(line, sent)
  } finally {
    close()
  }
}

async function statusOf(server: RunningServer, line: string, sent: Sent = {}): Promise<number> {
  return (await askOnce(server, line, sent)).status
}

/** Returns the cookie. */
async function putUser(server: RunningServer, body: string): Promise<string> {
  const answer = await askOnce(server, 'PUT /session/user', { body })
  assert.is(answer.status, 204)
  return answer.cookie
}

/** A page of the dashboard. */
async function readPageOf(server: RunningServer, path: string): Promise<string> {
  const login = await fetch(`${server.url}/dashboard/login`, {
    method: 'POST',
    body: new URLSearchParams({ key: API_KEY }),
    headers: { origin: server.url },
    redirect: 'manual',
  })
  const cookie = login.headers.get('set-cookie')?.split(';', 1)[0] ?? ''
  const page = await fetch(server.url + path, { headers: { cookie } })
  assert.is(page.status, 200)
  return await page.text()
}

async function stop(server: RunningServer): Promise<void> {
  server.kill('SIGTERM')
  const { code, stderr } = await server.ended
  assert.is(code, EXIT.done, stderr)
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise((resolve) => setTimeout(resolve, 100))
}
