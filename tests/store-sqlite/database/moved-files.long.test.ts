/** Files that are moved, removed or replaced while the server runs: it ends, and says why. */
import {
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import Database from 'better-sqlite3'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { findMissing, writeSessions } from '../../kit/process/acknowledged-writes.ts'
import { runAmongMounts, withMounts } from '../../kit/process/mount-namespace.ts'
import { idsIn } from '../../kit/store/session-file.ts'
import {
  makeFolder,
  runServer,
  type RunningServer,
  spawnServer,
} from '../../kit/process/spawn-server.ts'

const test = suite('moved files')

const COUNT = 20

type Case = {
  readonly what: string
  readonly damage: (path: string) => void
  readonly says: RegExp
  /** Makes good what can be made good: then nothing is missing. Undefined where nothing can. */
  readonly mend?: (path: string) => void
}

const nothing = (): void => {}

const CASES: readonly Case[] = [
  {
    what: 'the data file is moved',
    damage: (path) => renameSync(path, `${path}.old`),
    says: /The data file \S+sessions\.db was moved or removed/,
    mend: (path) => renameSync(`${path}.old`, path),
  },
  {
    what: 'the data file is replaced by a copy of it',
    damage(path) {
      renameSync(path, `${path}.old`)
      copyFileSync(`${path}.old`, path)
    },
    says: /Another file is in the place of the data file/,
    mend: (path) => renameSync(`${path}.old`, path),
  },
  {
    what: 'the data file is removed',
    damage: (path) => unlinkSync(path),
    says: /The data file .*removed/,
  },
  {
    what: 'the log is removed',
    damage: (path) => unlinkSync(`${path}-wal`),
    says: /The WAL \S+-wal was moved or removed/,
    mend: nothing,
  },
  {
    what: 'an empty log takes the place of the WAL',
    damage(path) {
      renameSync(`${path}-wal`, `${path}.old`)
      writeFileSync(`${path}-wal`, '')
    },
    says: /Another file is in the place of the WAL/,
    mend: nothing,
  },
  {
    what: 'a copy takes the place of the WAL',
    damage(path) {
      copyFileSync(`${path}-wal`, `${path}.copy`)
      renameSync(`${path}-wal`, `${path}.old`)
      renameSync(`${path}.copy`, `${path}-wal`)
    },
    says: /Another file is in the place of the WAL/,
    mend: (path) => renameSync(`${path}.old`, `${path}-wal`),
  },
  {
    what: 'the index of the log is removed',
    damage: (path) => unlinkSync(`${path}-shm`),
    says: /The index of the WAL \S+-shm was moved or removed/,
    mend: nothing,
  },
  {
    what: 'the lock is removed',
    damage: (path) => unlinkSync(`${path}.lock`),
    says: /The lock \S+\.lock was moved or removed/,
    mend: nothing,
  },
  {
    what: 'another lock takes the place of the lock',
    damage(path) {
      writeFileSync(`${path}.new`, '')
      renameSync(`${path}.new`, `${path}.lock`)
    },
    says: /Another file is in the place of the lock/,
    mend: nothing,
  },
  {
    what: 'the folder is moved',
    damage: (path) => renameSync(dirname(path), `${dirname(path)}.old`),
    says: /The data file \S+ was moved or removed/,
    mend: (path) => renameSync(`${dirname(path)}.old`, dirname(path)),
  },
  {
    what: 'the folder is removed',
    damage: (path) => rmSync(dirname(path), { recursive: true }),
    says: /removed/,
  },
]

for (const { what, damage, says, mend } of CASES) {
  const kept = mend === undefined ? '' : ', and nothing acknowledged before is lost'
  test(`server ends with 74 within a second or two where ${what}${kept}`, async () => {
    const path = makePath()
    const server = await spawnServer(['--data', path])
    const acknowledged = await writeSessions(server, COUNT)
    damage(path)
    const { code, stderr } = await server.ended
    assert.is(code, 74, stderr)
    assert.match(stderr, /"level":"error","event":"writing_failed"/)
    assert.match(stderr, says)
    if (mend === undefined) return

    mend(path)
    const again = await spawnServer(['--data', path])
    assert.equal(await findMissing(again, acknowledged), [])
    again.kill('SIGTERM')
    assert.is((await again.ended).code, 0)
  })
}

test('a log that is removed while another program reads is moved once that has read', async () => {
  const { path, server, reader } = await openBesideReader()
  unlinkSync(`${path}-wal`)
  // It is waited for, a second or so.
  const until = performance.now() + 2_000
  while (performance.now() < until) await fetch(`${server.url}/healthz`).catch(() => {})
  reader.close()
  const { code, stderr } = await server.ended
  assert.is(code, 74, stderr)
  assert.match(stderr, /The WAL \S+-wal was moved or removed/)
  assert.not.match(stderr, 'not all of it could be moved')
  assert.is(idsIn(path).length, COUNT)
})

test('a log that is removed while another program goes on reading is lost in part, and the line says so', async () => {
  const { path, server, reader } = await openBesideReader()
  unlinkSync(`${path}-wal`)
  const { code, stderr } = await server.ended
  reader.close()
  assert.is(code, 74, stderr)
  assert.match(stderr, /removed, and not all of it could be moved into the file: another program/)
})

const LINKED: readonly (readonly [what: string, end: string])[] = [
  ['data file', ''],
  ['WAL', '-wal'],
  ['index of the WAL', '-shm'],
  ['lock', '.lock'],
]

for (const [what, end] of LINKED) {
  test(`a ${what} that is renamed and linked to by its old name ends the server`, async () => {
    const path = makePath()
    const server = await spawnServer(['--data', path])
    const acknowledged = await writeSessions(server, COUNT)
    renameSync(path + end, `${path}.moved`)
    symlinkSync(`${path}.moved`, path + end)
    const { code, stderr } = await server.ended
    assert.is(code, 74, stderr)
    assert.match(stderr, `${what} ${path}${end} is a symbolic link now`)

    unlinkSync(path + end)
    renameSync(`${path}.moved`, path + end)
    const again = await spawnServer(['--data', path])
    assert.equal(await findMissing(again, acknowledged), [])
    await stop(again)
  })
}

test('a link between the name and the file that is replaced by a hard link ends the server', async () => {
  const path = makePath()
  const link = join(dirname(path), 'link.db')
  symlinkSync(path, link)
  const server = await spawnServer(['--data', link])
  unlinkSync(link)
  linkSync(path, link)
  const { code, stderr } = await server.ended
  assert.is(code, 74, stderr)
  assert.match(stderr, /link\.db is no symbolic link any more/)
})

test('a link on the way that comes to lead to the file by another name ends the server', async () => {
  const path = makePath()
  const [first, second] = ['first.db', 'second.db'].map((name) => join(dirname(path), name))
  assert.ok(first !== undefined && second !== undefined)
  symlinkSync(path, second)
  symlinkSync(second, first)
  const server = await spawnServer(['--data', first])
  unlinkSync(second)
  linkSync(path, second)
  const { code, stderr } = await server.ended
  assert.is(code, 74, stderr)
  assert.match(stderr, /The WAL \S+second\.db-wal was moved or removed/)
})

test('a folder that is moved and linked to by its old name goes on: all names lead where they did', async () => {
  const path = makePath()
  const folder = dirname(path)
  const server = await spawnServer(['--data', path])
  const acknowledged = await writeSessions(server, COUNT)
  renameSync(folder, `${folder}.moved`)
  symlinkSync(`${folder}.moved`, folder)
  // A stop looks as the watch does.
  await stop(server)
  const again = await spawnServer(['--data', path])
  assert.equal(await findMissing(again, acknowledged), [])
  for (const data of [path, join(`${folder}.moved`, 'sessions.db')]) {
    assert.is((await runServer(['--data', data, '--port', '0'])).code, 75)
  }
  await stop(again)
})

test('a symbolic link to the data file that comes to lead elsewhere ends the server', async () => {
  const path = makePath()
  const link = join(dirname(path), 'link.db')
  symlinkSync(path, link)
  const server = await spawnServer(['--data', link])
  assert.ok(existsSync(`${path}.lock`))
  copyFileSync(path, `${path}.other`)
  unlinkSync(link)
  symlinkSync(`${path}.other`, link)
  const { code, stderr } = await server.ended
  assert.is(code, 74)
  assert.match(stderr, 'Another file is in the place of the data file')
})

for (const [what, commands] of [
  ['the folder', (path: string) => `mount -t tmpfs tmpfs ${dirname(path)}`],
  [
    'the data file',
    (path: string) => `cp ${path} /mnt/other.db; mount --bind /mnt/other.db ${path}`,
  ],
  ['the log', (path: string) => `: > /mnt/log; mount --bind /mnt/log ${path}-wal`],
] as const) {
  test(`something that is mounted over ${what} ends the server`, async () => {
    const path = makePath()
    const server = await spawnServer(['--data', path], {}, withMounts('mount -t tmpfs tmpfs /mnt'))
    const acknowledged = await writeSessions(server, COUNT)
    runAmongMounts(server.pid, commands(path))
    const { code, stderr } = await server.ended
    assert.is(code, 74, stderr)

    const again = await spawnServer(['--data', path])
    assert.equal(await findMissing(again, acknowledged), [])
    again.kill('SIGTERM')
    await again.ended
  })
}

test('a stop just after the file has gone is no clean stop', async () => {
  for (const damage of [renameAway, (path: string) => truncateSync(`${path}-wal`)]) {
    const path = makePath()
    const server = await spawnServer(['--data', path])
    await writeSessions(server, COUNT)
    damage(path)
    server.kill('SIGTERM')
    const { code, stderr } = await server.ended
    assert.is(code, 74, stderr)
    assert.match(stderr, '"event":"writing_failed"')
  }
})

function makePath(): string {
  const folder = join(makeFolder(), 'data')
  mkdirSync(folder)
  return join(folder, 'sessions.db')
}

async function stop(server: RunningServer): Promise<void> {
  server.kill('SIGTERM')
  const { code, stderr } = await server.ended
  assert.is(code, 0, stderr)
}

function renameAway(path: string): void {
  renameSync(path, `${path}.old`)
}

/** A server that has written beside a program which reads what was there before. */
async function openBesideReader() {
  const path = join(makeFolder(), 'sessions.db')
  const server = await spawnServer(['--data', path])
  const reader = new Database(path, { readonly: true })
  reader.exec('begin')
  reader.prepare('select count(*) from sessions').get()
  await writeSessions(server, COUNT)
  return { path, server, reader }
}

test.run()
