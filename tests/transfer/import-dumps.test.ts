/**
 * Dumps that real tools made of what real stores wrote: connect-redis 7.1, 8.1, 9.0 and 10.0 with
 * express-session, Flask-Session 0.8, dumped by npm's redis-dump 0.1.10, redis-cli 7.0, rdb-cli of
 * librdb and redis-rdb-tools; connect-pg-simple 10.0 by psql 15, better-sqlite3-session-store 0.1 by
 * sqlite3. Ruby's redis-dump is Yajl's encoder with its members. RIOT's and connect-mongo's are
 * from their documentation.
 */
import { createReadStream, readFileSync } from 'node:fs'
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createForeignReader } from '../../lib/transfer/foreign/foreign-reader.ts'
import { type ForeignStore, traitsOf } from '../../lib/transfer/foreign/stores.ts'
import { importCommand } from '../../lib/commands/import.ts'
import { recordsOf } from '../../lib/transfer/input-records.ts'
import { listCommand } from '../../lib/commands/list.ts'
import { CoatcheckError } from '../../lib/base/errors.ts'
import { DAY, LIMITS } from '../kit/store/limits.ts'
import { runHere } from '../kit/process/run-here.ts'
import { makeSessionFile } from '../kit/store/session-file.ts'

const test = suite('import of dumps of real tools')

const NOW = Date.UTC(2026, 0, 1)
const TEXT = 'it\'s "zoë" \\ 张三\n'
/** Its cookies end in November: where a dump has no times of Redis, these count. */
const COOKIE_ENDS = '2026-11-28T22:31'

type Shown = {
  readonly id: string
  readonly data: Record<string, unknown>
  readonly claims: { readonly sub?: string }
  readonly permanent: boolean
  readonly expiresAt: string
}

/** The others in the dump, which are none: `queue:7`, a string, and `user:1`, a hash. */
const CONNECT_REDIS: Record<string, { wrong: number; hasTtl: boolean }> = {
  'connect-redis-npm-redis-dump.json': { wrong: 2, hasTtl: true },
  'connect-redis-npm-redis-dump-pretty.json': { wrong: 2, hasTtl: true },
  'connect-redis-npm-redis-dump.txt': { wrong: 2, hasTtl: true },
  'connect-redis-ruby-redis-dump.ndjson': { wrong: 0, hasTtl: true },
  'connect-redis-rdb-cli.json': { wrong: 2, hasTtl: false },
  'connect-redis-rdbtools.json': { wrong: 1, hasTtl: false },
  'connect-redis-redis-cli.txt': { wrong: 0, hasTtl: false },
  'connect-redis-redis-cli.csv': { wrong: 0, hasTtl: false },
  'connect-redis-redis-cli-lines.txt': { wrong: 0, hasTtl: false },
  'connect-redis-redis-cli-ttl.tsv': { wrong: 0, hasTtl: true },
  'connect-redis-redis-cli-no-raw.txt': { wrong: 0, hasTtl: true },
}

for (const [name, { wrong, hasTtl }] of Object.entries(CONNECT_REDIS)) {
  test(`connect-redis, all of it: ${name}`, async () => {
    const { run, sessions } = await importDump('connect-redis', name, '--sub', 'passport.user')
    assert.is(run.out, `Imported 8; left out 0 that were there, 0 expired and ${wrong} wrong\n`)
    assert.is(run.code, wrong === 0 ? 0 : 65)
    const kinds = ['7', '8', '9', '10'].flatMap((v) => [`cr${v}-browser`, `cr${v}-max`])
    const ids = kinds.map((kind) => `${kind}-000000000000000000000001`)
    assert.equal(sessions.map(({ id }) => id).sort(), ids.sort())
    for (const { id, data, claims, permanent, expiresAt } of sessions) {
      assert.equal(data, { passport: { user: 42 }, user: 'ada', text: TEXT, n: 1.5 })
      assert.equal(claims, { sub: '42' })
      const isPermanent = id.includes('-max-')
      assert.is(permanent, isPermanent)
      const leftMs = Date.parse(expiresAt) - NOW
      if (hasTtl) assert.ok(isPermanent ? leftMs <= 3_600_000 : leftMs <= DAY, expiresAt)
      if (hasTtl) assert.ok(isPermanent ? leftMs > 2_000_000 : leftMs > DAY - 1_600_000, expiresAt)
      if (!hasTtl && isPermanent) assert.ok(expiresAt.startsWith(COOKIE_ENDS), expiresAt)
      if (!hasTtl && !isPermanent) assert.is(leftMs, DAY)
    }
  })
}

const FLASK = [
  'flask-msgpack-ruby-redis-dump.ndjson',
  'flask-msgpack-redis-cli.txt',
  'flask-msgpack-base64.txt',
  'flask-msgpack-rdb-cli.json',
  'flask-json-npm-redis-dump.json',
]

for (const name of FLASK) {
  test(`Flask-Session, all that Python put in: ${name}`, async () => {
    const prefix = name.includes('-json-') ? 'fjson:' : 'session:'
    const args = ['--sub', '_user_id', '--prefix', prefix]
    const { run, sessions } = await importDump('flask-session', name, ...args)
    assert.is(run.out, 'Imported 1; left out 0 that were there, 0 expired and 0 wrong\n')
    const [session] = sessions
    assert.is(session?.permanent, true)
    assert.equal(session?.claims, { sub: '42' })
    assert.is(
      JSON.stringify(session?.data),
      JSON.stringify({
        _user_id: '42',
        text: TEXT,
        big: 2 ** 63,
        n: -1099511627776,
        float: 1,
        when: '2026-01-02T03:04:05.678901Z',
        naive: '2026-01-02T03:04:05',
        uuid: '00000000-0000-0000-0000-000000000001',
        tuple: [1, 2],
        set: [1],
        decimal: '1.10',
        bytes: 'AP8K',
        none: null,
        by: { 1: 'one' },
        _flashes: [['message', 'hello']],
      }),
    )
    assert.ok(run.listed.includes('"big":9223372036854775809,"n":-1099511627776,"float":1.0,'))
  })
}

test('MessagePack that npm redis-dump took for text is lost, and the reason says so', async () => {
  const name = 'flask-msgpack-npm-redis-dump.json'
  const { run } = await importDump('flask-session', name)
  assert.is(run.code, 65)
  assert.match(run.err, /Line 1: .*its bytes were lost, .*as base64/)
})

const ROWS: Record<string, readonly [store: string, id: string]> = {
  'connect-pg-simple.ndjson': ['connect-pg-simple', 'pg-0000000000000000000000000001'],
  'connect-pg-simple-agg.json': ['connect-pg-simple', 'pg-0000000000000000000000000001'],
  'connect-pg-simple.csv': ['connect-pg-simple', 'pg-0000000000000000000000000001'],
  'better-sqlite3-session-store.json': [
    'better-sqlite3-session-store',
    'better-00000000000000000000000001',
  ],
  'better-sqlite3-session-store.csv': [
    'better-sqlite3-session-store',
    'better-00000000000000000000000001',
  ],
}

for (const [name, [store, id]] of Object.entries(ROWS)) {
  test(`rows of a table: ${name}`, async () => {
    const { run, sessions } = await importDump(store, name)
    assert.is(run.out, 'Imported 1; left out 0 that were there, 0 expired and 0 wrong\n')
    assert.is(sessions[0]?.id, id)
    assert.equal(sessions[0]?.data, { user: 'ada', text: TEXT })
    assert.is(sessions[0]?.permanent, true)
    assert.match(sessions[0]?.expiresAt ?? '', /^2026-11-28T22:4[12]:/)
  })
}

test('files of session-file-store, with their names before them', async () => {
  const name = 'session-file-store.tsv'
  const { run, sessions } = await importDump('session-file-store', name)
  assert.is(run.out, 'Imported 2; left out 0 that were there, 0 expired and 0 wrong\n')
  for (const { data, expiresAt } of sessions) {
    assert.equal(data, { user: 'ada', text: TEXT })
    // An hour from the last access, as its cookie says and as the store has it where it does not.
    assert.match(expiresAt, /^2026-11-28T22:41:30\./)
  }
})

test('a dump that is damaged or cut anywhere is read or refused, and nothing of it is told', async () => {
  const names = [...Object.keys(CONNECT_REDIS), ...FLASK, ...Object.keys(ROWS)]
  const damage = fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 }))
  const property = fc.asyncProperty(
    fc.constantFrom(...names),
    fc.array(damage, { maxLength: 4 }),
    fc.option(fc.nat(), { freq: 2 }),
    fc.constantFrom<ForeignStore>('connect-redis', 'flask-session', 'connect-pg-simple'),
    async (name, damages, cut, store) => {
      const bytes = readFileSync(pathOf(name))
      for (const [at, byte] of damages) bytes[at % bytes.length] = byte
      const input = bytes.subarray(0, cut === null ? undefined : cut % bytes.length)
      const { prefix } = traitsOf(store)
      const reader = createForeignReader({ store, prefix, sub: [['user']], limits: LIMITS })
      const records = await Array.fromAsync(recordsOf(once(input)))
      const items = [...records.flatMap((record) => reader.take(record)), ...reader.end()]
      for (const item of items) {
        const refusal = refusalOf(() => item.read(NOW))
        assert.not.match(refusal, /zoë|张三|hello|0{14}/)
      }
    },
  )
  await fc.assert(property, { numRuns: 500 })
})

test('no dump holds a secret', () => {
  for (const name of [...Object.keys(CONNECT_REDIS), ...FLASK, ...Object.keys(ROWS)]) {
    assert.not.match(readFileSync(pathOf(name), 'latin1'), /not-a-secret|secret_?key|password/i)
  }
})

async function importDump(store: string, name: string, ...args: string[]) {
  const path = makeSessionFile(0)
  const stdin = createReadStream(pathOf(name))
  const run = await runHere(importCommand, ['--from', store, ...args, '--data', path], { stdin })
  const { out: listed } = await runHere(listCommand, ['--json', '--data', path])
  const sessions = listed.trim().split('\n').filter(Boolean).map(parseShown)
  return { run: { ...run, listed }, sessions }
}

function parseShown(line: string): Shown {
  const shown: Shown = JSON.parse(line)
  return shown
}

/** The message of a refusal; empty for none. */
function refusalOf(read: () => unknown): string {
  try {
    read()
    return ''
  } catch (error) {
    if (error instanceof CoatcheckError) return error.message
    throw error
  }
}

async function* once(chunk: Buffer): AsyncGenerator<Buffer> {
  yield chunk
}

function pathOf(name: string): string {
  return new URL(`../fixtures/dumps/${name}`, import.meta.url).pathname
}

test.run()
