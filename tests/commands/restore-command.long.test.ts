import {
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import Database from 'better-sqlite3'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { backupCommand } from '../../lib/commands/backup.ts'
import { checkCommand } from '../../lib/commands/check.ts'
import { endCommand } from '../../lib/commands/end.ts'
import { exportCommand } from '../../lib/commands/export.ts'
import { importCommand } from '../../lib/commands/import.ts'
import { keyCommand } from '../../lib/commands/key.ts'
import { restoreCommand } from '../../lib/commands/restore.ts'
import { showCommand } from '../../lib/commands/show.ts'
import { runHere } from '../kit/process/run-here.ts'
import { damageIndex, idOf, idsIn, makeSessionFile, tamper } from '../kit/store/session-file.ts'
import { codeOf } from '../kit/runner/code-of.ts'
import { skip } from '../kit/runner/skip.ts'
import { openFileStore } from '../kit/store/open-file-store.ts'
import { sessionAt } from '../kit/store/session-at.ts'
import { openSmallDisk } from '../kit/process/small-disk.ts'
import { makeFolder, runServer, spawnServer } from '../kit/process/spawn-server.ts'

const test = suite('restore command')

const ALL_EVENTS = {
  ...{ after: undefined, limit: 100, type: undefined },
  ...{ sub: undefined, session: undefined, app: undefined },
}

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
  assert.equal(readdirSync(dirname(path)).sort(), before, 'nor is a lock left')
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
  assert.match(stderr, 'a server has it open; stop it, then restore')

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
  const first = new URL(
    '../../lib/store-sqlite/database/migrations/001-sessions.sql',
    import.meta.url,
  )
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

test('restore brings no session back that has ended since, and no key that was revoked since', async () => {
  const path = makeSessionFile(6)
  const key = async (...words: string[]) => await runHere(keyCommand, [...words, '--data', path])
  for (const name of ['first', 'rotated']) await key('new', name)
  tamper(path, `update sessions set secret_hash = null where id = '${idOf(3)}'`)
  const file = await backUp(path)
  for (const n of [0, 1]) await runHere(endCommand, [idOf(n), '--data', path])
  for (const name of ['first', 'rotated']) await key('revoke', name)
  for (const name of ['rotated', 'later']) await key('new', name)
  // Ended, and forgotten since; and begun anew by a back end, which chose the id.
  tamper(path, `delete from sessions where id = '${idOf(2)}'`)
  tamper(
    path,
    `insert into tombstones values ('${idOf(3)}', null, 'logout', 1, 0, null);
     update sessions set device = '{}' where id = '${idOf(3)}'`,
  )
  const keysBefore = (await key('list')).out

  const { out, err, code } = await runHere(restoreCommand, [file, '--data', path])
  assert.is(code, 0)
  assert.match(out, 'Restored 4 sessions')
  assert.match(err, '2 sessions of the backup have ended since, and stay ended (--exact')
  assert.match(err, '2 keys were revoked since, and stay revoked')
  assert.match(err, '2 keys were made since, and stay in force')
  assert.match(err, '1 session is live that the old file does not know')
  assert.not.match(err, 'is damaged')
  assert.equal(idsIn(path), [2, 3, 4, 5].map(idOf))
  assert.is((await key('list')).out, keysBefore)
  const shown = await runHere(showCommand, [idOf(0), '--data', path])
  assert.match(shown.out, '"reason":"revoked"')
  assert.is((await runHere(checkCommand, ['--data', path])).code, 0)

  // As it was, when that is what is asked for; and then there is nothing to keep of what came before.
  const exact = await runHere(restoreCommand, [file, '--exact', '--data', path])
  assert.match(exact.out, 'Restored 6 sessions')
  assert.match(exact.err, 'are live again')
  assert.is((await key('list')).out.match(/in force/g)?.length, 2)
  const again = await runHere(restoreCommand, [file, '--json', '--data', path])
  const carried = { ended: 0, renewed: 0, revokedKeys: 0, newKeys: 0, unknown: 0, isWhole: true }
  assert.equal(JSON.parse(again.out).carried, carried)
})

test('restore begins the feed anew: a cursor from before stands for no event of afterwards', async () => {
  const { store, clock, path } = await openFileStore()
  const insert = async (into: typeof store, id: string) =>
    await into.insert(sessionAt(clock.now(), { id }))
  await insert(store, 'before')
  const file = await backUp(path)
  const old: string[] = []
  for (const id of ['one', 'two', 'three']) {
    old.push(await store.feed.newest())
    await insert(store, id)
  }
  old.push(await store.feed.newest())
  await store.close()
  for (const words of [[], ['--exact']]) {
    assert.is((await runHere(restoreCommand, [file, ...words, '--data', path])).code, 0)
    const again = await openFileStore({ path })
    for (const id of ['four', 'five', 'six', 'seven']) await insert(again.store, id)
    for (const after of old) {
      const refused = again.store.feed.read({ ...ALL_EVENTS, after }).catch(codeOf)
      assert.is(await refused, 'events_forgotten')
    }
    const { events } = await again.store.feed.read(ALL_EVENTS)
    assert.equal(
      events.map(({ session }) => session),
      ['four', 'five', 'six', 'seven'],
    )
    await again.store.close()
  }
})

test('restore keeps what can be read of a damaged file, and says that it is damaged', async () => {
  const path = makeSessionFile(4)
  const file = await backUp(path)
  for (const n of [0, 1]) await runHere(endCommand, [idOf(n), '--data', path])
  const database = new Database(path)
  database.unsafeMode()
  database.exec(`update tombstones set reason = 'logout' where id = '${idOf(0)}'`)
  database.exec('drop table api_keys')
  database.close()
  const { out, err } = await runHere(restoreCommand, [file, '--data', path])
  assert.match(out, 'Restored 3 sessions')
  assert.match(err, 'The old file could not be read as a whole')
  assert.equal(idsIn(path), [0, 2, 3].map(idOf))
})

test('restore counts sessions that were only renewed since apart, and they are lost', async () => {
  const path = makeSessionFile(4)
  const file = await backUp(path)
  await runHere(endCommand, [idOf(0), '--data', path])
  tamper(
    path,
    `update tombstones set reason = 'logout', checksum = null;
     insert into tombstones select id, secret_hash, 'renewed', 1, null, null from sessions
       where id in ('${idOf(1)}', '${idOf(2)}');
     update sessions set id = 'new-' || id, secret_hash = 'x' || substr(secret_hash, 2)
       where id in ('${idOf(1)}', '${idOf(2)}')`,
  )
  const { err } = await runHere(restoreCommand, [file, '--data', path])
  assert.match(err, '1 session of the backup has ended since, and stays ended')
  assert.match(err, '2 sessions of the backup were renewed since')
  assert.match(err, 'are lost: their holders log in again')
  assert.equal(idsIn(path), [idOf(3)])

  const again = makeSessionFile(2)
  tamper(again, `insert into tombstones values ('${idOf(1)}', null, 'renewed', 1, null, null)`)
  const { out } = await runHere(restoreCommand, [file, '--json', '--data', again])
  const { carried }: { carried: { ended: number; renewed: number } } = JSON.parse(out)
  assert.is(carried.ended, 0)
  assert.is(carried.renewed, 1)
})

test('restore that cannot write what has ended since is broken off, and the old file stays', async () => {
  const path = makeSessionFile(4)
  const file = await backUp(path)
  tamper(
    file,
    `create trigger fails before insert on tombstones when new.id = '${idOf(1)}'
     begin select raise(abort, 'no room'); end`,
  )
  for (const n of [0, 1]) await runHere(endCommand, [idOf(n), '--data', path])
  const { code, refusal, out } = await runHere(restoreCommand, [file, '--data', path])
  assert.is(code, undefined)
  assert.match(refusal, 'no room')
  assert.is(out, '')
  assert.equal(idsIn(path), [2, 3].map(idOf))
  assert.equal(
    readdirSync(dirname(path)).filter((name) => /partial|before/.test(name)),
    [],
  )
})

test('restore keeps what has ended in a file of an older Coatcheck, as far as that has it', async () => {
  const file = await backUp(makeSessionFile(3))
  const path = join(makeFolder(), 'sessions.db')
  const first = new URL(
    '../../lib/store-sqlite/database/migrations/001-sessions.sql',
    import.meta.url,
  )
  tamper(
    path,
    `${readFileSync(first, 'utf8')}; pragma user_version = 1; pragma application_id = 1131372916;
     insert into tombstones values ('${idOf(0)}', null, 'logout', 1)`,
  )
  const { out, err } = await runHere(restoreCommand, [file, '--data', path])
  assert.match(out, 'Restored 2 sessions')
  assert.match(err, '1 session of the backup has ended since')
  assert.match(err, '2 sessions are live that the old file does not know')
  assert.not.match(err, 'The old file could not be read as a whole')
})

test('restore over a file of a newer Coatcheck, or of another program, says that it cannot read it', async () => {
  const file = await backUp(makeSessionFile(2))
  const newer = makeSessionFile(2)
  tamper(newer, 'alter table api_keys rename column revoked_at to gone_at')
  tamper(newer, 'pragma user_version = 99')
  const foreign = join(makeFolder(), 'sessions.db')
  tamper(foreign, 'create table theirs (x)')
  for (const path of [newer, foreign]) {
    const { code, err } = await runHere(restoreCommand, [file, '--data', path])
    assert.is(code, 0)
    assert.match(err, 'The old file could not be read as a whole')
  }
})

test('a lock that root makes is for the owner of the data file, and none is left where the restore fails', async () => {
  if (process.getuid?.() !== 0) skip('only root gives files away')
  const path = makeSessionFile(1)
  chownSync(path, 65_534, 65_534)
  const { fault } = await runHere(restoreCommand, [join(makeFolder(), 'none'), '--data', path])
  assert.is(fault, 'missing')
  const foreign = join(makeFolder(), 'foreign.db')
  tamper(foreign, 'create table theirs (x)')
  assert.is((await runHere(restoreCommand, [foreign, '--data', path])).fault, 'foreign')
  assert.not.ok(existsSync(`${path}.lock`))
  const file = await backUp(makeSessionFile(1))
  assert.is((await runHere(restoreCommand, [file, '--data', path])).code, 0)
  const { uid, gid, mode } = statSync(`${path}.lock`)
  assert.equal([uid, gid, mode & 0o777], [65_534, 65_534, 0o600])
})

test('restore says what is in force again where there was no file, or nothing of it can be read', async () => {
  const file = await backUp(makeSessionFile(2))
  const path = join(makeFolder(), 'sessions.db')
  const none = await runHere(restoreCommand, [file, '--data', path])
  assert.match(none.err, /There was no data file: sessions .* are live again.*keys revoked since/)
  writeFileSync(path, 'x'.repeat(8_192))
  const { err } = await runHere(restoreCommand, [file, '--data', path])
  assert.match(err, 'The old file could not be read as a whole')
})

test('restore gives keys of one name, of a file that has nothing to do with the backup, two names', async () => {
  const path = makeSessionFile(1)
  await runHere(keyCommand, ['new', 'first', '--data', path])
  const file = await backUp(path)
  const other = makeSessionFile(1)
  await runHere(keyCommand, ['new', 'first', '--data', other])
  assert.is((await runHere(restoreCommand, [file, '--data', other])).code, 0)
  const { out } = await runHere(keyCommand, ['list', '--data', other])
  assert.match(out, /^first\t.*in force\nfirst-2\t.*in force\n$/)
})

test('import revives no session that has ended, for as long as that is remembered', async () => {
  const path = makeSessionFile(2)
  const exported = (await runHere(exportCommand, ['--with-secret-hashes', '--data', path])).out
  await runHere(endCommand, [idOf(0), '--data', path])
  const stdin = (async function* () {
    yield Buffer.from(exported)
  })()
  const { out } = await runHere(importCommand, ['--data', path], { stdin })
  assert.match(out, 'Imported 0; left out 2 that were there')
  assert.equal(idsIn(path), [idOf(1)])
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
