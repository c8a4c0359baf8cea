import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { keyCommand } from '../../lib/commands/key.ts'
import { type ApiKeys, createApiKeys } from '../../lib/service/api-keys.ts'
import { hashSecret } from '../../lib/session/token.ts'
import { openFileStore } from '../kit/store/open-file-store.ts'
import { makeSessionFile } from '../kit/store/session-file.ts'
import { runHere } from '../kit/process/run-here.ts'
import { makeFolder, runServer, spawnServer } from '../kit/process/spawn-server.ts'

const test = suite('key command')

test('key with words that make no sense is refused with its usage', async () => {
  const { path, store } = await openFileStore()
  for (const words of [[], ['new'], ['list', 'x'], ['revoke'], ['new', 'a', 'b'], ['steal', 'a']]) {
    const { refusal } = await run(path, ...words)
    assert.match(refusal, /^Cannot tell .* key new NAME/, words.join(' '))
  }
  assert.match(
    (await run(path, 'list', '--jsn')).refusal,
    /Unknown flag "--jsn": did you mean --json\?; usage: key new NAME/,
  )
  await store.close()
})

test('a name that could be mistaken on a command line is refused', async () => {
  const { path, store } = await openFileStore()
  for (const name of ['', 'a b', 'ä', 'x'.repeat(65), 'a\nb']) {
    assert.match((await run(path, 'new', name)).refusal, /it must be 1 to 64 of/, name)
  }
  assert.is((await run(path, 'list')).out, '')
  await store.close()
})

test('a key in place of a name is refused, and not said again', async () => {
  const { path, store } = await openFileStore()
  for (const name of ['ck_', `ck_${'x'.repeat(43)}`, `ck_${'x'.repeat(200)}`]) {
    const { refusal } = await run(path, 'new', name)
    assert.match(refusal, /^Cannot name a key like this/)
    assert.not.match(refusal, 'xxx')
  }
  assert.is((await run(path, 'list')).out, '')
  await store.close()
})

test('a key that cannot be written out is revoked, and that is said', async () => {
  const path = makeSessionFile(1)
  for (const [name, shell] of [
    ['full', '"$@" > /dev/full'],
    ['closed', '{ sleep 0.2; exec "$@"; } | true'],
  ] as const) {
    const words = ['key', 'new', name, '--data', path]
    const { stderr, code } = await runServer(words, {}, [
      'bash',
      '-c',
      `set -o pipefail; ${shell}`,
      '-',
    ])
    assert.is(code, 74, stderr)
    assert.match(
      stderr,
      `Cannot write the key "${name}" to stdout: nobody has it, and it was revoked`,
    )
  }
  const { stdout } = await runServer(['key', 'list', '--data', path])
  assert.is(stdout.match(/revoked/g)?.length, 2, stdout)
  assert.not.match(stdout, 'in force')
  assert.is((await runServer(['key', 'new', 'full', '--data', path])).code, 0)
})

test('a file that is not there is not made', async () => {
  const path = join(makeFolder(), 'sessions.db')
  assert.match((await run(path, 'new', 'laptop')).refusal, /there is no such file/)
  assert.match((await run(path, 'list')).refusal, /there is no such file/)
})

test('key new prints a key once, and the file keeps its hash', async () => {
  const { path, store } = await openFileStore()
  const key = (await run(path, 'new', 'laptop')).out.trim()
  assert.match(key, /^ck_[\w-]{43}$/)
  const [kept] = await store.keys.list()
  assert.is(kept?.hash, hashSecret(key))
  assert.not.match((await run(path, 'list', '--json')).out, key)
  await store.close()
})

test('key new refuses a name in force, and takes one that was revoked', async () => {
  const { path, store } = await openFileStore()
  await run(path, 'new', 'laptop')
  assert.match((await run(path, 'new', 'laptop')).refusal, /there is one of that name in force/)
  await run(path, 'revoke', 'laptop')
  assert.match((await run(path, 'new', 'laptop')).out, /^ck_/)
  assert.is((await store.keys.list()).length, 2)
  await store.close()
})

test('a revoked key is refused from then on, and the others are not', async () => {
  const { path, store } = await openFileStore()
  const keys = createApiKeys(store.keys, [])
  const old = (await run(path, 'new', 'old')).out.trim()
  const fresh = (await run(path, 'new', 'fresh')).out.trim()
  assert.equal(await namesOf(keys, old, fresh), ['old', 'fresh'])
  assert.is((await run(path, 'revoke', 'old')).out, 'Revoked the key "old"\n')
  assert.equal(await namesOf(keys, old, fresh), [undefined, 'fresh'])
  assert.match((await run(path, 'revoke', 'old')).refusal, /there is none in force of this name/)
  await store.close()
})

const LINE =
  /^fresh\tsha256 \S{8}…\tscope all\tall apps\tmade 2026-01-01T00:00:00.000Z\tlast used 2026-01-01T00:01:00.000Z\tin force$/

test('key list tells name, use, date and state, for people and for scripts', async () => {
  const { path, store } = await openFileStore()
  await run(path, 'new', 'old')
  await run(path, 'revoke', 'old')
  const fresh = (await run(path, 'new', 'fresh')).out.trim()
  await store.keys.noteUses([{ hash: hashSecret(fresh), usedAt: Date.UTC(2026, 0, 1, 0, 1) }])
  const lines = (await run(path, 'list')).out.trim().split('\n')
  assert.match(lines[0] ?? '', LINE)
  assert.match(lines[1] ?? '', /^old\t.*\tnever used\trevoked 2026-01-01T00:00:00.000Z$/)
  const json = (await run(path, 'list', '--json')).out.trim().split('\n')
  const parsed: Record<'name' | 'revokedAt' | 'lastUsedAt', string | null>[] = json.map((line) =>
    JSON.parse(line),
  )
  assert.equal(
    parsed.map(({ name, revokedAt, lastUsedAt }) => [name, revokedAt, lastUsedAt]),
    [
      ['fresh', null, '2026-01-01T00:01:00.000Z'],
      ['old', '2026-01-01T00:00:00.000Z', null],
    ],
  )
  await store.close()
})

test('a key is made for a scope and an app, and the list shows both', async () => {
  const { path, store } = await openFileStore()
  await run(path, 'new', 'prometheus', '--scope', 'metrics')
  await run(path, 'new', 'shop', '--app=shop', '--scope=read')
  const { out } = await run(path, 'list')
  assert.match(out, /prometheus\t.*\tscope metrics\tall apps\t/)
  assert.match(out, /shop\t.*\tscope read\tapp shop\t/)
  const kept = await store.keys.list()
  assert.equal(
    kept.map(({ name, scope, app }) => [name, scope, app]),
    [
      ['prometheus', 'metrics', undefined],
      ['shop', 'read', 'shop'],
    ],
  )
  const json = (await run(path, 'list', '--json')).out.trim().split('\n')
  const parsed: { scope: string; app: string | null }[] = json.map((line) => JSON.parse(line))
  assert.equal(
    parsed.map(({ scope, app }) => [scope, app]),
    [
      ['metrics', null],
      ['read', 'shop'],
    ],
  )
  await store.close()
})

test('a scope or an app that cannot be is refused, and neither is for keys that are there', async () => {
  const { path, store } = await openFileStore()
  assert.match(
    (await run(path, 'new', 'a', '--scope', 'write')).refusal,
    /the scope "write": it must be one of all, read, metrics/,
  )
  for (const app of ['', 'Shop', 'a_b', '-a', 'a~b', 'x'.repeat(33)]) {
    assert.match(
      (await run(path, 'new', 'a', `--app=${app}`)).refusal,
      /for the app .*1 to 32 of a-z/,
    )
  }
  assert.match((await run(path, 'list', '--scope', 'read')).refusal, /are for a new key/)
  assert.match((await run(path, 'revoke', 'a', '--app', 'shop')).refusal, /are for a new key/)
  assert.equal(await store.keys.list(), [])
  await store.close()
})

test('key new beside a running server makes a key that it takes at once, and its help is at hand', async () => {
  const path = join(makeFolder(), 'sessions.db')
  const server = await spawnServer(['--data', path])
  const made = await runServer(['key', 'new', 'laptop'], { COATCHECK_DATA: path })
  assert.is(made.code, 0)
  const list = () =>
    fetch(`${server.url}/sessions`, { headers: { authorization: `Bearer ${made.stdout.trim()}` } })
  assert.is((await list()).status, 200)
  assert.is((await runServer(['key', 'revoke', 'laptop', '--data', path])).code, 0)
  assert.is((await list()).status, 401)
  assert.match((await runServer(['key', '--help'])).stdout, /coatcheck key revoke NAME/)
  assert.is((await runServer(['key', 'frobnicate', '--data', path])).code, 64)
  server.kill('SIGTERM')
  await server.ended
})

test('a folder in place of the file is told as what it is', async () => {
  const path = join(makeFolder(), 'folder')
  mkdirSync(path)
  assert.is((await runServer(['key', 'list', '--data', path])).code, 73)
  assert.is((await runServer(['key', 'list', '--data', `${path}-not`])).code, 66)
})

async function namesOf(keys: ApiKeys, ...texts: string[]): Promise<(string | undefined)[]> {
  return (await Promise.all(texts.map((text) => keys.find(text)))).map((backEnd) => backEnd?.name)
}

/** Runs `key` with these words; what it prints, or why it refuses. */
async function run(path: string, ...words: string[]): Promise<{ out: string; refusal: string }> {
  const { out, refusal } = await runHere(keyCommand, [...words, '--data', path])
  return { out, refusal }
}

test.run()
