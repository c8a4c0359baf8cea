import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import Database from 'better-sqlite3'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { backupCommand } from '../lib/commands/backup.ts'
import { checkCommand } from '../lib/commands/check.ts'
import { restoreCommand } from '../lib/commands/restore.ts'
import { lockDatabase } from '../lib/store/lock.ts'
import { runHere } from './support/run-here.ts'
import { damageIndex, idsIn, makeSessionFile, tamper } from './support/session-file.ts'
import { openSmallDisk } from './support/small-disk.ts'
import { makeFolder, runServer, spawnServer } from './support/spawn-server.ts'
import { runTraced, runTracedToStop } from './support/traced-run.ts'

const test = suite('restore command')

test('restore with words that make no sense is refused', async () => {
  const path = makeSessionFile(1)
  for (const words of [[], [''], ['a', 'b'], ['a', '--force']]) {
    const { refusal } = await runHere(restoreCommand, [...words, '--data', path])
    assert.match(refusal, /usage: restore FILE/, words.join(' '))
  }
  const { refusal } = await runHere(restoreCommand, [path, '--data', path])
  assert.match(refusal, 'it is the data file itself (--data)')
})

test('restore of what is no backup that can be used leaves the data file as it was', async () => {
  const path = makeSessionFile(2)
  const folder = makeFolder()
  const files = {
    none: undefined,
    empty: '',
    text: 'not a database, but as long as the header of one would be: '.repeat(10),
  }
  for (const [name, text] of Object.entries(files)) {
    if (text !== undefined) writeFileSync(join(folder, name), text)
  }
  tamper(join(folder, 'foreign'), 'create table theirs (x)')
  const newer = makeSessionFile(1, { path: join(folder, 'newer') })
  tamper(newer, 'pragma user_version = 99')
  const damaged = makeSessionFile(9, { path: join(folder, 'damaged') })
  damageIndex(damaged)
  const before = readdirSync(dirname(path)).sort()
  for (const [name, fault, reason] of [
    ['none', 'missing', /there is no such file/],
    ['empty', 'foreign', /it is empty, and no backup/],
    ['text', 'foreign', /it is no backup of Coatcheck; nothing was changed/],
    ['foreign', 'foreign', /it is no backup of Coatcheck/],
    ['newer', 'newer', /a newer Coatcheck wrote it/],
    ['damaged', 'damaged', /it is damaged \(row \d+ missing from index/],
  ] as const) {
    const run = await runHere(restoreCommand, [join(folder, name), '--data', path])
    assert.is(run.fault, fault, `${name}: ${run.refusal}`)
    assert.match(run.refusal, reason)
    assert.match(run.refusal, `Cannot restore ${join(folder, name)}: `)
  }
  assert.is(idsIn(path).length, 2)
  assert.equal(readdirSync(dirname(path)).sort(), [...before, 'sessions.db.lock'].sort())
})

test('restore that fails makes no data file where there was none', async () => {
  const path = join(makeFolder(), 'new', 'sessions.db')
  const file = join(makeFolder(), 'b.db')
  tamper(file, 'create table theirs (x)')
  assert.is((await runHere(restoreCommand, [file, '--data', path])).fault, 'foreign')
  assert.not.ok(existsSync(path))
})

test('restore is refused while a server runs, or another program has the file open', async () => {
  const path = makeSessionFile(2)
  const file = await backUp(path)
  const server = await spawnServer(['--data', path])
  const { code, stderr } = await runServer(['restore', file, '--data', path])
  assert.is((await fetch(`${server.url}/session/k`)).status, 404)
  server.kill('SIGTERM')
  await server.ended
  assert.is(code, 75, stderr)
  assert.match(stderr, 'another Coatcheck server has it open')

  const other = new Database(path, { readonly: true })
  other.pragma('user_version')
  assert.is((await runHere(restoreCommand, [file, '--data', path])).fault, 'in_use')
  other.close()
  assert.equal(
    readdirSync(dirname(path)).filter((name) => /partial|before/.test(name)),
    [],
  )
})

test('restore puts the backup in place, and keeps the old file with all that was in its log', async () => {
  const path = makeSessionFile(3)
  const file = await backUp(path)
  const server = await spawnServer(['--data', path])
  assert.is((await fetch(`${server.url}/session/k`, { method: 'PUT', body: '1' })).status, 204)
  server.kill('SIGKILL')
  await server.ended
  assert.ok(statSync(`${path}-wal`).size > 0)

  const { code, out, err } = await runHere(restoreCommand, [file, '--json', '--data', path])
  assert.is(code, 0)
  assert.match(err, 'Checking the copy\n')
  const answer: { sessions: number; keptAt: string } = JSON.parse(out)
  assert.is(answer.sessions, 3)
  assert.match(answer.keptAt, /sessions\.db\.before-restore-2026-01-01T00-00-00\.000Z$/)
  assert.is(idsIn(answer.keptAt).length, 4)
  assert.equal(idsIn(path), idsIn(file))
  assert.is(statSync(path).mode & 0o777, 0o600)
  assert.not.ok(existsSync(`${path}-wal`))

  const again = await runHere(restoreCommand, [file, '--data', path])
  assert.match(again.out, /^Restored 3 sessions to .*\nThe file that was there is now .*Z-2\n$/)
  assert.match(again.err, 'are live again')
})

test('restore makes a data file where there is none, and a server goes on with it', async () => {
  const file = await backUp(makeSessionFile(3))
  const path = join(makeFolder(), 'new', 'sessions.db')
  assert.is((await runServer(['restore', file, '--data', path])).code, 0)
  const server = await spawnServer(['--data', path])
  server.kill('SIGTERM')
  assert.is((await server.ended).code, 0)
})

test('restore takes a backup of an older Coatcheck in the place of a newer file', async () => {
  const path = makeSessionFile(1)
  tamper(path, 'pragma user_version = 99')
  const file = join(makeFolder(), 'old.db')
  const first = new URL('../lib/store/migrations/001-sessions.sql', import.meta.url)
  tamper(
    file,
    `${readFileSync(first, 'utf8')}; pragma user_version = 1; pragma application_id = 1131372916`,
  )
  assert.is((await runHere(restoreCommand, [file, '--data', path])).code, 0)
  const server = await spawnServer(['--data', path])
  server.kill('SIGTERM')
  assert.is((await server.ended).code, 0)
  assert.is((await runServer(['check', '--data', path])).code, 0)
})

test('restore over a damaged file keeps that and its log as they are', async () => {
  const file = await backUp(makeSessionFile(3))
  const path = join(makeFolder(), 'sessions.db')
  writeFileSync(path, 'x'.repeat(8_192))
  writeFileSync(`${path}-wal`, 'a log')
  const { code, out } = await runHere(restoreCommand, [file, '--json', '--data', path])
  assert.is(code, 0)
  const { keptAt }: { keptAt: string } = JSON.parse(out)
  assert.is(readFileSync(keptAt, 'utf8'), 'x'.repeat(8_192))
  assert.is(readFileSync(`${keptAt}-wal`, 'utf8'), 'a log')
  assert.equal(idsIn(path), idsIn(file))
})

test('restore that is killed at any step leaves the old or the new file in place, whole', async () => {
  const source = makeSessionFile(300)
  const file = await backUp(source)
  let replaced = 0
  for (const step of ['link', 'rename', 'unlink', 'fsync', 'pwrite64']) {
    for (const when of [1, 2, 3, 5, 8, 13]) {
      const path = makeSessionFile(200)
      const kill = `${step}:signal=KILL:when=${when}`
      const { signal, code } = await runTraced(['restore', file, '--data', path], kill)
      assert.ok(signal === 'SIGKILL' || code === 0, kill)
      const check = await runHere(checkCommand, ['--data', path])
      assert.is(check.code, 0, `${kill}: ${check.out}${check.refusal}`)
      lockDatabase(path)()
      const found = idsIn(path).length
      assert.ok([200, 300].includes(found), `${kill}: ${found}`)
      if (found === 200) continue
      replaced++
      const aside = readdirSync(dirname(path)).find((name) => name.includes('.before-restore-'))
      assert.is(idsIn(join(dirname(path), aside ?? '')).length, 200, kill)
    }
  }
  assert.ok(replaced > 0)
})

test('a server, and a second restore, are kept out while one is under way', async () => {
  const path = makeSessionFile(20)
  const file = await backUp(makeSessionFile(30))
  const restore = ['restore', file, '--data', path]
  const { ended, goOn } = await runTracedToStop(restore, 'rename:signal=STOP:when=1')
  const late = await Promise.all([runServer(['--port', '0', '--data', path]), runServer(restore)])
  assert.equal(
    late.map(({ code }) => code),
    [75, 75],
  )
  goOn()
  assert.is((await ended).code, 0)
  assert.is(idsIn(path).length, 30)
})

test('restore on a full disk exits 74 and changes nothing', async () => {
  const { folder, unmount } = openSmallDisk(500)
  mkdirSync(join(folder, 'data'))
  const path = makeSessionFile(20, { path: join(folder, 'data', 'sessions.db') })
  const file = await backUp(makeSessionFile(3_000))
  const { code, stderr } = await runServer(['restore', file, '--data', path])
  const found = idsIn(path).length
  const left = readdirSync(dirname(path)).filter((name) => /partial|before/.test(name))
  unmount()
  assert.is(code, 74, stderr)
  assert.match(stderr, 'the disk is full')
  assert.is(found, 20)
  assert.equal(left, [])
})

async function backUp(path: string): Promise<string> {
  const file = join(makeFolder(), 'b.db')
  assert.is((await runHere(backupCommand, [file, '--data', path])).code, 0)
  return file
}

test.run()
