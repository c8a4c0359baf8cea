import {
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { backupCommand } from '../../lib/commands/backup.ts'
import { systemClock } from '../../lib/base/clock.ts'
import { runHere } from '../kit/process/run-here.ts'
import { damageIndex, idOf, idsIn, makeSessionFile } from '../kit/store/session-file.ts'
import { openSmallDisk } from '../kit/process/small-disk.ts'
import { makeFolder, runServer, spawnServer } from '../kit/process/spawn-server.ts'
import { runTraced } from '../kit/process/traced-run.ts'

const test = suite('backup command')

test('backup with words that make no sense is refused with its usage', async () => {
  const path = makeSessionFile(1)
  for (const words of [[], [''], ['a', 'b'], ['a', '--froce']]) {
    const { refusal } = await runHere(backupCommand, [...words, '--data', path])
    assert.match(refusal, /usage: backup FILE/, words.join(' '))
  }
})

test('backup of a file that is not there makes none', async () => {
  const folder = makeFolder()
  const { fault } = await runHere(backupCommand, [
    join(folder, 'b'),
    '--data',
    join(folder, 'none'),
  ])
  assert.is(fault, 'missing')
  assert.equal(readdirSync(folder), [])
})

test('backup never takes the place of a file unless it is told to', async () => {
  const path = makeSessionFile(3)
  const file = join(makeFolder(), 'b.db')
  writeFileSync(file, 'precious')
  const refused = await runHere(backupCommand, [file, '--data', path])
  assert.is(refused.fault, 'unwritable')
  assert.match(refused.refusal, 'there is a file already; choose another name, or replace it')
  assert.is(readFileSync(file, 'utf8'), 'precious')
  assert.is((await runHere(backupCommand, [file, '--force', '--data', path])).code, 0)
  assert.equal(idsIn(file), [idOf(0), idOf(1), idOf(2)])
})

test("backup never writes to the server's own files, forced or not", async () => {
  const path = makeSessionFile(1)
  const link = `${path}-link`
  symlinkSync(path, link)
  for (const file of [
    path,
    link,
    `${path}-wal`,
    `${path}-shm`,
    `${path}.lock`,
    `${path}.reserve`,
    `${path}.api-key`,
  ]) {
    const { refusal } = await runHere(backupCommand, [file, '--force', '--data', path])
    assert.match(refusal, "the server's own files are there", file)
  }
  unlinkSync(link)
  linkSync(path, link)
  const { fault } = await runHere(backupCommand, [link, '--force', '--data', path])
  assert.is(fault, 'in_use')
  assert.equal(idsIn(path), [idOf(0)])
})

test('backup refuses a place where it would not be read as it was written', async () => {
  const path = makeSessionFile(1)
  const folder = makeFolder()
  writeFileSync(join(folder, 'b-wal'), 'left over')
  mkdirSync(join(folder, 'folder'))
  for (const [file, reason] of [
    ['b', /the WAL of another database is beside it/],
    ['folder', /it is a folder; name a file in it/],
    ['none/b', /its folder must be there and writable for this user \(ENOENT\)/],
  ] as const) {
    const run = await runHere(backupCommand, [join(folder, file), '--force', '--data', path])
    assert.is(run.fault, 'unwritable', file)
    assert.match(run.refusal, reason)
  }
  assert.equal(readdirSync(folder).sort(), ['b-wal', 'folder'])
})

test('backup of a file whose index and rows disagree leaves no backup', async () => {
  const path = makeSessionFile(5)
  damageIndex(path)
  const folder = makeFolder()
  const { fault, refusal } = await runHere(backupCommand, [join(folder, 'b'), '--data', path])
  assert.is(fault, 'damaged')
  assert.match(refusal, /it is damaged \(row \d+ missing from index sessions_by_sweep\)/)
  assert.equal(readdirSync(folder), [])
})

test('backup is one file, for its user alone, with every session in it', async () => {
  const path = makeSessionFile(500)
  const folder = makeFolder()
  const file = join(folder, 'b.db')
  const { code, out, err } = await runHere(backupCommand, [file, '--json', '--data', path])
  assert.is(code, 0)
  assert.equal(JSON.parse(out), { file, bytes: statSync(file).size })
  assert.match(err, /Copying pages: (\d+) of \1 \(100 %\)\nChecking the copy\n$/)
  assert.equal(readdirSync(folder), ['b.db'])
  assert.is(statSync(file).mode & 0o777, 0o600)
  assert.equal(idsIn(file), idsIn(path))
  assert.equal(readdirSync(folder), ['b.db'])
})

test('backup beside a server that writes has all that was answered before it began', async () => {
  const path = makeSessionFile(20_000)
  const server = await spawnServer(['--data', path])
  const file = join(makeFolder(), 'b.db')
  const answered: string[] = []
  let isDone = false
  const write = async (): Promise<void> => {
    const made = await fetch(`${server.url}/session/k`, { method: 'PUT', body: '1' })
    if (made.status === 204)
      answered.push(/sid=([\w-]+)/.exec(made.headers.get('set-cookie') ?? '')?.[1] ?? '')
  }
  while (answered.length < 20) await write()
  const before = answered.slice()
  const running = runServer(['backup', file, '--data', path]).finally(() => (isDone = true))
  while (!isDone) await write()
  const { code, stderr } = await running
  server.kill('SIGTERM')
  assert.is((await server.ended).code, 0)

  assert.is(code, 0, stderr)
  assert.ok(answered.length > before.length)
  const kept = new Set(idsIn(file))
  assert.equal(
    before.filter((id) => !kept.has(id)),
    [],
  )
  assert.is((await runServer(['check', '--data', file])).code, 0)
})

test('backup that is killed halfway leaves no file of its name, and the next one works', async () => {
  const path = makeSessionFile(2_000)
  const folder = makeFolder()
  const file = join(folder, 'b.db')
  for (const kill of [
    'pwrite64:signal=KILL:when=50',
    'fsync:signal=KILL:when=1',
    'link:signal=KILL:when=1',
  ]) {
    assert.is((await runTraced(['backup', file, '--data', path], kill)).signal, 'SIGKILL', kill)
    assert.not.ok(existsSync(file), kill)
  }
  assert.is(
    readdirSync(folder).some((name) => name.startsWith('b.db.partial-')),
    true,
  )
  const lastHour = Date.now() / 1_000 - 3_700
  for (const name of readdirSync(folder)) utimesSync(join(folder, name), lastHour, lastHour)
  const { code } = await runHere(backupCommand, [file, '--data', path], { clock: systemClock })
  assert.is(code, 0)
  assert.equal(readdirSync(folder), ['b.db'])
  assert.is(idsIn(file).length, 2_000)
})

test('of two backups to one file at once one is refused, and the file is whole', async () => {
  const path = makeSessionFile(2_000)
  const file = join(makeFolder(), 'b.db')
  const runs = await Promise.all([1, 2].map(() => runServer(['backup', file, '--data', path])))
  assert.equal(runs.map(({ code }) => code).sort(), [0, 73])
  assert.is(idsIn(file).length, 2_000)
})

test('backup to a full disk exits 74 and leaves nothing there', async () => {
  const path = makeSessionFile(2_000)
  const { folder, unmount } = openSmallDisk(300)
  const { code, stderr } = await runServer(['backup', join(folder, 'b.db'), '--data', path])
  const left = readdirSync(folder)
  unmount()
  assert.is(code, 74, stderr)
  assert.match(stderr, 'the disk is full')
  assert.equal(left, [])
})

test.run()
