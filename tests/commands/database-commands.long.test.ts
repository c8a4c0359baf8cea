// Commands on a database, on a PostgreSQL cluster of this file's own.
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { backupCommand } from '../../lib/commands/backup.ts'
import { restoreCommand } from '../../lib/commands/restore.ts'
import { EXIT } from '../../lib/command-line/exit-codes.ts'
import type { Finding, Statistics } from '../../lib/store/inspection.ts'
import { type AskServer, openClient } from '../kit/clients/http-client.ts'
import { type Cluster, findPostgres, startCluster } from '../kit/postgres/cluster.ts'
import { runHere } from '../kit/process/run-here.ts'
import {
  makeFolder,
  type RunningServer,
  runServer,
  spawnServer,
} from '../kit/process/spawn-server.ts'
import { skip } from '../kit/runner/skip.ts'

const bin = findPostgres()

const API_KEY = 'ck_the-key-of-all-the-tests'
const ENV = { COATCHECK_API_KEY: API_KEY }

if (bin === undefined) {
  const test = suite('commands on a database')
  test('commands work on PostgreSQL', () => skip('postgresql is not installed'))
  test.run()
} else {
  const cluster = await startCluster(bin)
  testCommands(cluster)
  const end = suite('commands on a database end')
  end('the cluster stops', () => cluster.stop())
  end.run()
}

function testCommands(cluster: Cluster): void {
  const test = suite('commands on a database')

  test('backup and restore are refused with what to use instead, and touch no file', async () => {
    const store = ['--store', 'postgres://coat@127.0.0.1:1/coat']
    const file = join(makeFolder(), 'backup.db')
    const backup = await runHere(backupCommand, [file, ...store])
    assert.match(
      backup.refusal,
      /^Cannot do this for a database \(--store\): .*pg_dump.*pg_basebackup/,
    )
    const restore = await runHere(restoreCommand, [file, ...store])
    assert.match(restore.refusal, /^Cannot do this for a database \(--store\): .*pg_restore/)
    assert.is((await runServer(['backup', file, ...store])).code, EXIT.usage)
  })

  test('commands that only read refuse a database without tables, and make none', async () => {
    const address = await newDatabase(cluster)
    for (const command of [
      ['list'],
      ['show', 'a'],
      ['stats'],
      ['check'],
      ['export'],
      ['key', 'list'],
    ]) {
      const run = await runServer([...command, '--store', address])
      assert.is(run.code, EXIT.missing, command[0])
      assert.match(run.stderr, 'it has no tables of Coatcheck')
    }
    const tables = await cluster.query("select to_regclass('sessions')", nameIn(address))
    assert.equal(tables, [[null]])
  })

  test('tables of a newer Coatcheck are refused', async () => {
    const address = await newDatabase(cluster)
    await runServer(['import', '--lenient', '--store', address])
    await cluster.query('update coatcheck_schema set version = 1000', nameIn(address))
    for (const args of [['end', '--all'], ['import']]) {
      const run = await runServer([...args, '--store', address])
      assert.is(run.code, EXIT.damaged)
      assert.match(run.stderr, /tables are of version 1000/)
    }
  })

  test('a running server knows at once what operators do, and commands tell what it does', async () => {
    const address = await newDatabase(cluster)
    const server = await spawnServer(['--store', address], ENV)
    const { ask, close } = openClient(server.url)
    const run = commandsOn(address)
    const ada = await logIn(ask, 'ada')
    const bob = await logIn(ask, 'bob')
    const { cookie: nobody } = await ask('PUT /session/basket', { body: '[1]' })

    const listed = (await run('list', '--json')).trimEnd().split('\n').map(subOf)
    assert.equal(listed, ['ada', 'bob', undefined])
    assert.match(await run('show', ada.id), '"sub":"ada"')
    const stats: Statistics = JSON.parse(await run('stats', '--json'))
    assert.is(stats.sessions.live, 3)
    assert.equal(stats.topSubs, [
      { sub: 'ada', sessions: 1 },
      { sub: 'bob', sessions: 1 },
    ])
    assert.ok((stats.database?.bytes ?? 0) > (stats.database?.tableBytes ?? 0))
    assert.is(stats.file, undefined)

    assert.is(await run('end', ada.id), 'Ended 1\n')
    assert.is((await ask('GET /session', { cookie: ada.cookie })).status, 410)
    assert.is(await run('end', '--sub', 'bob'), 'Ended 1\n')
    assert.is((await ask('GET /session', { cookie: bob.cookie })).status, 410)
    assert.is((await ask('GET /session', { cookie: nobody })).status, 200)
    const after: Statistics = JSON.parse(await run('stats', '--json'))
    assert.equal([after.sessions.live, after.ended], [1, { revoked: 2 }])

    const key = (await run('key', 'new', 'laptop', '--scope', 'read')).trim()
    assert.is((await ask('GET /sessions', { key })).status, 200)
    assert.match(await run('key', 'list'), /^laptop\t/)
    await run('key', 'revoke', 'laptop')
    assert.is((await ask('GET /sessions', { key })).status, 401)

    assert.is(await run('check'), '1 session, 2 tombstones: nothing is wrong\n')
    close()
    await stop(server)
  })

  test('check finds each broken rule, by id, and tells nothing of the data', async () => {
    const address = await newDatabase(cluster)
    const server = await spawnServer(['--store', address], ENV)
    const { ask, close } = openClient(server.url)
    for (const user of ['ada', 'bob', 'cy', 'dan', 'eve']) await logIn(ask, user)
    const { id: gone } = await logIn(ask, 'flo')
    await ask(`DELETE /sessions/${gone}`, { key: API_KEY })
    close()
    await stop(server)
    const breakings: Record<string, readonly [change: string, rule: string]> = {
      ada: [`data = '{"secret"'`, 'data must be a JSON object'],
      bob: [`secret_hash = 'x'`, 'the hash must be a SHA-256 in base64url'],
      cy: [`claims = '{"sub":"other"}'`, 'the column sub must be claims.sub'],
      dan: [`app = 'shop'`, 'the column app must be that of the id'],
      eve: [
        'sweep_at = sweep_at + 100000000',
        'sweep_at must not be later than the session expires',
      ],
    }
    for (const [sub, [change]] of Object.entries(breakings)) {
      await cluster.query(`update sessions set ${change} where sub = '${sub}'`, nameIn(address))
    }
    await cluster.query(
      `update sessions set reason = 'bored' where id = '${gone}'`,
      nameIn(address),
    )
    const { code, stdout } = await runServer(['check', '--json', '--store', address])
    assert.is(code, EXIT.damaged)
    const lines = stdout.trimEnd().split('\n')
    const found = lines.slice(0, -1).map((line): Finding => JSON.parse(line))
    const reasons = found.filter(({ kind }) => kind === 'tombstone')
    assert.equal(
      reasons.map(({ id, rule }) => [id, rule.slice(0, 21)]),
      [[gone, 'reason must be one of']],
    )
    assert.equal(
      found.flatMap(({ kind, rule }) => (kind === 'session' ? [rule] : [])).toSorted(),
      Object.values(breakings)
        .map(([, rule]) => rule)
        .toSorted(),
    )
    assert.equal(JSON.parse(lines.at(-1) ?? ''), { sessions: 5, tombstones: 1, findings: 6 })
    assert.not.match(stdout, /secret"/)
  })

  test.run()

  async function newDatabase({ port, createDatabase }: Cluster): Promise<string> {
    return `postgres://coat@127.0.0.1:${port}/${await createDatabase()}`
  }
}

function nameIn(address: string): string {
  return address.slice(address.lastIndexOf('/') + 1)
}

/** Runs commands there that must be done, and returns what they print. */
function commandsOn(address: string) {
  return async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await runServer(args, { COATCHECK_STORE: address })
    assert.is(code, EXIT.done, stderr)
    return stdout
  }
}

async function logIn(ask: AskServer, sub: string): Promise<{ id: string; cookie: string }> {
  const body = JSON.stringify({ claims: { sub } })
  const { status, body: answer } = await ask('POST /sessions', { key: API_KEY, body })
  assert.is(status, 201, answer)
  const { id, token }: { id: string; token: string } = JSON.parse(answer)
  return { id, cookie: `sid=${token}` }
}

function subOf(line: string): string | undefined {
  const { claims }: { claims: { sub?: string } } = JSON.parse(line)
  return claims.sub
}

async function stop(server: RunningServer): Promise<void> {
  server.kill('SIGTERM')
  assert.is((await server.ended).code, EXIT.done)
}
