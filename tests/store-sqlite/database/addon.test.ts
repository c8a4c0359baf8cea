/** Where the binary puts SQLite's addon, and what it makes of a place that will not do. */
import {
  chmodSync,
  chownSync,
  closeSync,
  existsSync,
  lstatSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import {
  addonError,
  unpackAddon,
  withFolderOfItsOwn,
} from '../../../lib/store-sqlite/database/addon.ts'
import { makeSessionFile } from '../../kit/store/session-file.ts'
import { skip } from '../../kit/runner/skip.ts'
import { makeFolder, runServer } from '../../kit/process/spawn-server.ts'

const test = suite('addon')

const BYTES = new TextEncoder().encode('not really an addon')
const NAME = 'c0ffee.node'

test('an addon that a C library is too old for says which is needed', () => {
  const reason = "/lib/x86_64-linux-gnu/libc.so.6: version `GLIBC_2.34' not found (required by x)"
  assert.match(
    addonError('/data/x.node', reason).message,
    'needs the C library glibc 2.34 or newer',
  )
})

test('an addon on a file system without the right to run says so, and what to do', () => {
  const reason = '/data/x.node: failed to map segment from shared object'
  const { message, way } = addonError('/data/x.node', reason)
  assert.match(message, '/data must not be mounted "noexec"')
  assert.equal(way, { setting: 'dataPath' })
})

test('an addon in a folder that cannot be written fails with what the system says', () => {
  assert.throws(() => unpack(join(makeFolder(), 'missing')), /ENOENT/)
})

test('an addon that somebody has changed, opened to others or put a link for is written anew', () => {
  const folder = makeFolder()
  const path = unpack(folder)
  const spoil: (() => void)[] = [
    () => writeFileSync(path, 'something else'),
    () => writeFileSync(path, new Uint8Array()),
    () => chmodSync(path, 0o755),
    () => replaceWithLink(path, join(folder, 'elsewhere')),
  ]
  for (const run of spoil) {
    run()
    assert.is(unpack(folder), path)
    assert.ok(lstatSync(path).isFile())
    assert.is(lstatSync(path).mode & 0o777, 0o700)
    assert.equal(new Uint8Array(readFileSync(path)), BYTES)
  }
})

test('an addon of another user is not trusted', () => {
  if (process.getuid?.() !== 0) skip('only root can give files away')
  const folder = makeFolder()
  const path = unpack(folder)
  chownSync(path, 1, 1)
  unpack(folder)
  assert.is(statSync(path).uid, 0)
})

test('an addon is unpacked once, for this user alone, and leaves nothing else', () => {
  const folder = makeFolder()
  const path = unpack(folder)
  const { ino } = statSync(path)
  assert.is(unpack(folder), path)
  assert.is(statSync(path).ino, ino)
  assert.is(statSync(path).mode & 0o777, 0o700)
  assert.equal(readdirSync(folder), [basename(path)])
  assert.match(basename(path), /^\.coatcheck-\w+-c0ffee\.node$/)
})

test('an addon of a command is in a folder of its own, which is gone when it is loaded', () => {
  let seen = ''
  const answer = withFolderOfItsOwn((folder) => {
    seen = folder
    assert.is(statSync(folder).mode & 0o777, 0o700)
    unpack(folder)
    return 'loaded'
  })
  assert.is(answer, 'loaded')
  assert.not.ok(existsSync(seen))
  const refuse = (folder: string): never => {
    seen = folder
    throw new Error('refused')
  }
  assert.throws(() => withFolderOfItsOwn(refuse), /refused/)
  assert.not.ok(existsSync(seen))
})

test('a command leaves no addon beside the data, and none anywhere else', async () => {
  const path = makeSessionFile(1)
  const [temporary, home] = [makeFolder(), makeFolder()]
  const before = readdirSync(dirname(path))
  const { code, stderr } = await runServer(['check', '--data', path], {
    TMPDIR: temporary,
    HOME: home,
  })
  assert.is(code, 0, stderr)
  assert.equal(readdirSync(dirname(path)), before)
  assert.equal([readdirSync(temporary), readdirSync(home)], [[], []])
})

function unpack(folder: string): string {
  const { path, file } = unpackAddon(NAME, BYTES, folder)
  closeSync(file)
  return path
}

/** A link to the same bytes with the same mode, which another could change later. */
function replaceWithLink(path: string, elsewhere: string): void {
  renameSync(path, elsewhere)
  symlinkSync(elsewhere, path)
}

test.run()
