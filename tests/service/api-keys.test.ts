import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { KeyFileError, openApiKeys, type OpenApiKeys } from '../../lib/service/api-keys.ts'
import { hashSecret } from '../../lib/session/token.ts'
import { createApiKeyTable } from '../../lib/store-sqlite/tables/api-key-table.ts'
import type { KeyStore } from '../../lib/store/key-store.ts'
import { openMemoryStore } from '../kit/store/memory-store.ts'
import { makeFolder } from '../kit/process/spawn-server.ts'

const test = suite('API keys')

const KEY = 'ck_0123456789-abcdefghij'
const OTHER = 'ck_ABCDEFGHIJ_KLMNOPQRST'

test('a file that holds anything but keys is refused, and not quoted', async () => {
  for (const text of ['', '\n# none\n', 'secret-of-mine', `${KEY}\nsecret-of-mine`, 'ck_short']) {
    const { open, path } = openKeys()
    writeFileSync(path, text)
    const refusal = await refusalOf(open())
    assert.match(refusal, /it must have API keys, one a line, each ck_ and 21 to 200/, text)
    assert.not.match(refusal, /secret-of-mine|ck_short|0123456789/)
  }
})

test('a file that cannot be read or made is told with its path', async () => {
  const { open, path } = openKeys()
  mkdirSync(path)
  assert.match(await refusalOf(open()), new RegExp(`Cannot read ${path}: EISDIR`))

  const other = openKeys()
  const nowhere = join(other.path, 'no', 'folder')
  const refusal = await refusalOf(other.open({ path: nowhere }))
  assert.match(refusal, new RegExp(`Cannot write the first API key to ${nowhere}: ENOENT`))
  assert.equal(await other.store.keys.list(), [])
})

test('the first start makes a key, for this user to read, and keeps its hash only', async () => {
  const { open, store, path } = openKeys()
  const keys = await open()
  assert.is(keys.madeAt, path)
  assert.is(statSync(path).mode & 0o777, 0o600)
  const key = readFileSync(path, 'utf8').trim()
  assert.match(key, /^ck_[\w-]{43}$/)
  const kept = await store.keys.list()
  assert.equal(
    kept.map(({ hash, name }) => [hash, name]),
    [[hashSecret(key), 'first']],
  )
  assert.is(await isGood(keys, key), true)
})

test('nothing in the data file tells the key', async () => {
  const { open, database, path } = openKeys()
  await open()
  const key = readFileSync(path, 'utf8').trim()
  const bytes = database.serialize()
  assert.is(bytes.includes(hashSecret(key)), true)
  assert.is(bytes.includes(key), false)
  assert.is(bytes.includes(key.slice('ck_'.length)), false)
})

test('a first start whose store fails leaves a key that the next start takes', async () => {
  const { open, store, path } = openKeys()
  const failing = { ...store.keys, add: () => Promise.reject(new Error('no room')) }
  assert.match(await refusalOf(open({ keys: failing })), /no room/)
  const key = readFileSync(path, 'utf8').trim()
  const keys = await open()
  assert.is(keys.madeAt, undefined)
  assert.is(await isGood(keys, key), true)
})

test('a start whose store keeps nothing but revoked keys makes no other by itself', async () => {
  const { open, store, path } = openKeys()
  const hash = hashSecret(KEY)
  await store.keys.add({ hash, name: 'old', scope: 'all', createdAt: 1, revokedAt: 2 })
  const keys = await open()
  assert.equal([keys.madeAt, existsSync(path)], [undefined, false])
  assert.equal(await goodOf(keys), [false, false])
})

test('a later start makes none, and the key is good without its file', async () => {
  const { open, path } = openKeys()
  await open()
  const key = readFileSync(path, 'utf8').trim()
  assert.is((await open()).madeAt, undefined)
  unlinkSync(path)
  const keys = await open()
  assert.is(keys.madeAt, undefined)
  assert.is(existsSync(path), false)
  assert.is(await isGood(keys, key), true)
})

test('where keys are given none is made, and all that are given are good', async () => {
  const { open, store, path } = openKeys()
  const fromEnvironment = await open({ configured: [KEY] })
  assert.equal([fromEnvironment.madeAt, existsSync(path)], [undefined, false])
  assert.equal(await goodOf(fromEnvironment), [true, false])

  writeFileSync(path, `# for the shop\n${OTHER}  # until May\n\n`)
  chmodSync(path, 0o400)
  assert.equal(await goodOf(await open({ configured: [KEY] })), [true, true])
  assert.equal(await goodOf(await open()), [false, true])
  assert.equal(await store.keys.list(), [])
})

test('a file may be written by hand: spaces, a comment behind a key, line ends of Windows', async () => {
  const { open, path } = openKeys()
  const text = `\uFEFF# keys\r\n\r\n  ${KEY}\t# the shop\r\n#${'ck_'.padEnd(46, 'x')}\r\n${OTHER}`
  writeFileSync(path, text)
  const keys = await open()
  assert.equal(await goodOf(keys), [true, true])
  assert.is(await isGood(keys, 'ck_'.padEnd(46, 'x')), false)
  assert.is(readFileSync(path, 'utf8'), text)
})

test('a file with one line that is no key is refused whole, be its other keys ever so good', async () => {
  const lines = [`${KEY} ${OTHER}`, `${KEY},`, `"${KEY}"`, `KEY=${KEY}`, 'ck_'.padEnd(204, 'x')]
  for (const line of lines) {
    const { open, path } = openKeys()
    writeFileSync(path, `${OTHER}\n${line}\n`)
    const error = await open().catch((refusal: unknown) => refusal)
    assert.instance(error, KeyFileError, line)
    assert.not.match(String(error), /0123456789|ABCDEFGHIJ|xxx/)
  }
})

test('a key is good as long as its shape lets it be: 21 to 200 characters behind ck_', async () => {
  for (const length of [21, 200]) {
    const { open, path } = openKeys()
    const key = `ck_${'x'.repeat(length)}`
    writeFileSync(path, key)
    assert.is(await isGood(await open(), key), true)
  }
})

test('a key that is a part of another, or almost it, is not good', async () => {
  const keys = await openKeys().open({ configured: [KEY] })
  for (const text of ['', 'ck_', KEY.slice(0, -1), `${KEY}x`, KEY.toUpperCase(), ` ${KEY}`]) {
    assert.is(await isGood(keys, text), false, text)
  }
})

test('a key that was made after the start is good at once, and until it is revoked', async () => {
  const { open, database, clock } = openKeys()
  const keys = await open()
  const table = createApiKeyTable(database)
  const key = {
    hash: hashSecret(OTHER),
    name: 'shop',
    scope: 'all' as const,
    createdAt: clock.now(),
    revokedAt: null,
  }
  assert.is(table.add(key), true)
  assert.is(await isGood(keys, OTHER), true)
  assert.is(table.revoke('shop', clock.now()), true)
  assert.is(await isGood(keys, OTHER), false)
})

test('the first key, once it is revoked, is not revived by its own file', async () => {
  const { open, database, clock, path } = openKeys()
  await open()
  const key = readFileSync(path, 'utf8').trim()
  assert.is(createApiKeyTable(database).revoke('first', clock.now()), true)
  assert.is(await isGood(await open(), key), false)
})

test('a revoked key is refused wherever else it is written', async () => {
  const { open, database, store, clock } = openKeys()
  const key = {
    hash: hashSecret(KEY),
    name: 'old',
    scope: 'all' as const,
    createdAt: 1,
    revokedAt: null,
  }
  await store.keys.add(key)
  const keys = await open({ configured: [KEY, OTHER] })
  assert.equal(await goodOf(keys), [true, true])
  assert.is(createApiKeyTable(database).revoke('old', clock.now()), true)
  assert.equal(await goodOf(keys), [false, true])
})

/** Why it refuses to open. */
test('of servers that open one store at once, one makes the first key, and all take it', async () => {
  const { open, store, path } = openKeys()
  // Two of them with one file, as on one volume.
  const elsewhere = join(makeFolder(), 'key')
  const all = await Promise.all([open(), open(), open({ path: elsewhere })])
  assert.is(all.filter(({ madeAt }) => madeAt !== undefined).length, 1)
  const files = [path, elsewhere].filter((one) => existsSync(one))
  assert.is(files.length, 1, 'who lost leaves no file')
  const key = readFileSync(files[0] ?? '', 'utf8').trim()
  for (const keys of all) assert.is(await isGood(keys, key), true)
  assert.is((await store.keys.list()).length, 1)
})

test('a file that another server has just begun is waited for', async () => {
  const { open, path } = openKeys()
  writeFileSync(path, '')
  const opening = open()
  writeFileSync(path, KEY)
  assert.equal(await goodOf(await opening), [true, false])
})

test('the folder of the file is made where it is asked for', async () => {
  const { store, clock } = openKeys()
  const path = join(makeFolder(), 'data', 'key')
  const options = { keys: store.keys, clock, configured: [], path }
  assert.is((await openApiKeys({ ...options, makesFolder: true })).madeAt, path)
})

async function refusalOf(opening: Promise<OpenApiKeys>): Promise<string> {
  return await opening.then(() => 'opened', String)
}

async function isGood(keys: OpenApiKeys, key: string): Promise<boolean> {
  return (await keys.find(key)) !== undefined
}

async function goodOf(keys: OpenApiKeys): Promise<boolean[]> {
  return [await isGood(keys, KEY), await isGood(keys, OTHER)]
}

function openKeys() {
  const { store, clock, database } = openMemoryStore()
  const path = join(makeFolder(), 'sessions.db.api-key')
  const open = (given: { path?: string; configured?: string[]; keys?: KeyStore } = {}) =>
    openApiKeys({ keys: store.keys, clock, configured: [], path, ...given })
  return { open, store, clock, database, path }
}

test.run()
