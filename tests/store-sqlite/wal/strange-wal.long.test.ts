/** A log whose file is missing, empty, cut short or another: refused, and left as it is. */
import {
  copyFileSync,
  existsSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { backupCommand } from '../../../lib/commands/backup.ts'
import { checkCommand } from '../../../lib/commands/check.ts'
import { exportCommand } from '../../../lib/commands/export.ts'
import { importCommand } from '../../../lib/commands/import.ts'
import { restoreCommand } from '../../../lib/commands/restore.ts'
import { statsCommand } from '../../../lib/commands/stats.ts'
import { openWriterDatabase } from '../../../lib/store-sqlite/database/database.ts'
import { StorageError } from '../../../lib/store-sqlite/database/storage-error.ts'
import { manageWal } from '../../../lib/store-sqlite/wal/wal.ts'
import { createWriter } from '../../../lib/store-sqlite/writer/writer.ts'
import { DAY, LIMITS } from '../../kit/store/limits.ts'
import { openFileStore } from '../../kit/store/open-file-store.ts'
import { runHere } from '../../kit/process/run-here.ts'
import { idOf, idsIn, makeSessionFile } from '../../kit/store/session-file.ts'
import { makeFolder, runServer } from '../../kit/process/spawn-server.ts'
import { sessionAt } from '../../kit/store/session-at.ts'

const test = suite('strange log')

const COUNT = 30
const NOW = Date.UTC(2026, 0, 1)

const CASES: Readonly<Record<string, (path: string) => void>> = {
  'is missing': (path) => unlinkSync(path),
  'is empty': (path) => truncateSync(path),
  'is shorter than its own header': (path) => truncateSync(path, 60),
  'is one page long': (path) => truncateSync(path, 4_096),
  'is cut off within a page': (path) => truncateSync(path, 20_000),
  'is a backup': (path) => copyFileSync(`${path}.backup`, path),
  'has other pages': (path) => {
    const other = new Database(`${path}.pages`)
    other.pragma('page_size = 8192')
    other.exec('create table t (a)')
    other.close()
    copyFileSync(`${path}.pages`, path)
  },
  'is no database': (path) => writeFileSync(path, 'no database\n'.repeat(5_000)),
  'is the log itself': (path) => copyFileSync(`${path}-wal`, path),
  'is a link to nowhere': (path) => {
    rmSync(path)
    const real = `${path}.real`
    symlinkSync(real, path)
    copyFileSync(`${path}-wal`, `${real}-wal`)
  },
}

for (const [what, harm] of Object.entries(CASES)) {
  test(`a data file that ${what}, beside a log with writes, is refused, and nothing changes`, async () => {
    const path = await crash()
    copyFileSync(path, `${path}.whole`)
    harm(path)
    const before = [contentOf(path), contentOf(`${path}-wal`)]
    for (const command of [checkCommand, exportCommand, statsCommand, importCommand]) {
      const { fault, refusal } = await runHere(command, ['--data', path])
      assert.is(fault, 'damaged', refusal)
      assert.match(refusal, `${path}-wal`)
      assert.equal([contentOf(path), contentOf(`${path}-wal`)], before, command.usage[0])
    }
    await assertRefused(path)
    assert.equal([contentOf(path), contentOf(`${path}-wal`)], before)

    rmSync(path, { force: true })
    renameSync(`${path}.whole`, path)
    const { store } = await openFileStore({ path })
    await store.close()
    assert.is(idsIn(path).length, COUNT)
  })
}

test('an older copy of the file, which other runs have written to since, is refused', async () => {
  const path = makeSessionFile(3)
  copyFileSync(path, `${path}.older`)
  for (const n of [20, 40]) write(path, n).close()
  const database = write(path, 60)
  const crashed = join(makeFolder(), 'sessions.db')
  copyFileSync(`${path}-wal`, `${crashed}-wal`)
  database.close()
  copyFileSync(`${path}.older`, crashed)
  await assertRefused(crashed)
})

test('a log without a file that is no log is refused, too, and restored over only once it is away', async () => {
  const path = join(makeFolder(), 'sessions.db')
  const backup = makeSessionFile(2)
  writeFileSync(`${path}-wal`, 'rotten')
  assert.is((await runServer(['--data', path, '--port', '0'])).code, 65)
  const refused = await runServer(['restore', backup, '--data', path])
  assert.is(refused.code, 65)
  assert.match(refused.stderr, `${path}-wal`)
  assert.is(readFileSync(`${path}-wal`, 'utf8'), 'rotten')
  assert.is(existsSync(path), false)
  renameSync(`${path}-wal`, `${path}-wal.away`)
  assert.is((await runServer(['restore', backup, '--data', path])).code, 0)
})

test('a restore keeps a strange file and the log beside it as they are', async () => {
  const path = await crash()
  copyFileSync(`${path}.backup`, path)
  const before = [contentOf(path), contentOf(`${path}-wal`)]
  const { code, out } = await runHere(restoreCommand, [makeSessionFile(2), '--data', path])
  assert.is(code, 0)
  const kept = /is now (\S+)/.exec(out)?.[1] ?? ''
  assert.equal([contentOf(kept), contentOf(`${kept}-wal`)], before)
  assert.is((await runHere(checkCommand, ['--data', path])).code, 0)
})

test('an empty log, or none, beside no file is a first start', async () => {
  const path = join(makeFolder(), 'sessions.db')
  writeFileSync(`${path}-wal`, '')
  const { store } = await openFileStore({ path })
  await store.close()
  assert.equal(idsIn(path), [])
})

/**
 * A data file with a log, as a crash leaves them, and beside them a backup of it.
 */
async function crash(): Promise<string> {
  const source = makeSessionFile(3)
  const database = write(source, COUNT)
  const path = join(makeFolder(), 'sessions.db')
  assert.is((await runHere(backupCommand, [`${path}.backup`, '--data', source])).code, 0)
  for (const end of ['', '-wal']) copyFileSync(`${source}${end}`, `${path}${end}`)
  database.close()
  return path
}

/** Adds sessions until there are so many, which stay in the log while it is open. */
function write(path: string, count: number): Database.Database {
  const database = openWriterDatabase(path, 'full')
  manageWal(database)
  const writer = createWriter(database, LIMITS, DAY)
  for (let n = 3; n < count; n++) {
    const data = JSON.stringify({ text: 'x'.repeat(n * 100) })
    writer.run([{ kind: 'insert', seenAt: 0, session: sessionAt(NOW, { id: idOf(n), data }) }])
  }
  return database
}

async function assertRefused(path: string): Promise<void> {
  const error: unknown = await openFileStore({ path }).catch((error: unknown) => error)
  assert.instance(error, StorageError)
  assert.ok(error instanceof StorageError && error.fault === 'damaged')
  assert.match(error.message, `${path}-wal`)
}

function contentOf(path: string): string {
  return existsSync(path) ? readFileSync(path, 'base64') : 'nothing'
}

test.run()
