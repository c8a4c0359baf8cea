// What `export --everything` writes beside sessions, and `import --everything` takes.
import { join } from 'node:path'
import Database from 'better-sqlite3'
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { exportCommand } from '../../lib/commands/export.ts'
import { importCommand } from '../../lib/commands/import.ts'
import { KEY_SCOPES } from '../../lib/session/api-key.ts'
import { END_REASONS, type Tombstone } from '../../lib/session/session.ts'
import type { ApiKey } from '../../lib/store/key-store.ts'
import { sqliteOperatorStores as stores } from '../../lib/store-sqlite/operator/beside-server.ts'
import { parseKey, renderKeyLine } from '../../lib/transfer/api-key-line.ts'
import { parseEnd, renderEndLine } from '../../lib/transfer/end-line.ts'
import { renderSessionLine } from '../../lib/transfer/session-line.ts'
import { createFakeClock } from '../kit/clock/fake-clock.ts'
import { type HereRun, runHere } from '../kit/process/run-here.ts'
import { makeFolder } from '../kit/process/spawn-server.ts'
import { HOUR, MINUTE } from '../kit/store/limits.ts'
import { sessionAt } from '../kit/store/session-at.ts'

const test = suite('everything moves')

const NOW = createFakeClock().now()
const HASH = 'h'.repeat(43)
const END: Tombstone = { id: 'gone', secretHash: HASH, reason: 'logout', endedAt: NOW - MINUTE }
const KEY: ApiKey = { hash: HASH, name: 'shop', scope: 'all', createdAt: 1, revokedAt: null }

const WRONG_LINES: Record<string, RegExp> = {
  '{"ended":1}': /must each be an object/,
  '{"ended":{},"apiKey":{}}': /the only member/,
  '{"ended":{}}': /Cannot read the end of a session: "id" must be 1 to 128/,
  '{"ended":{"id":"dashboard-secret"}}': /"id" must not begin with "dashboard-"/,
  '{"ended":{"id":"a","secretHash":"secret"}}': /"secretHash" must be a SHA-256/,
  '{"ended":{"id":"a","reason":"secret"}}': /"reason" must be one of idle_timeout, .*evicted/,
  '{"ended":{"id":"a","reason":"logout"}}': /"endedAt" must be a time/,
  '{"ended":{"id":"a","reason":"logout","endedAt":"2026-01-01","keepEndedMs":-1}}':
    /"keepEndedMs" must be an integer from 0/,
  '{"ended":{"id":"a","reason":"logout","endedAt":"2026-01-01","secret":1}}':
    /a member that no end has/,
  '{"apiKey":{}}': /Cannot read the API key: "hash" must be a SHA-256/,
  [`{"apiKey":{"hash":"${HASH}","name":"not a name"}}`]: /"name" must be 1 to 64/,
  [`{"apiKey":{"hash":"${HASH}","name":"a","scope":"secret"}}`]: /"scope" must be one of all/,
  [`{"apiKey":{"hash":"${HASH}","name":"a","scope":"all","app":"SECRET"}}`]: /"app" must be/,
  [`{"apiKey":{"hash":"${HASH}","name":"a","scope":"all"}}`]: /"createdAt" must be a time/,
  [`{"apiKey":{"hash":"${HASH}","name":"a","scope":"all","createdAt":"2026-01-01","key":1}}`]:
    /a member that no API key has/,
  '{"event":{"secret":1}}': /no "id", and is neither an end .* nor an API key .* newer Coatcheck/,
}

for (const [line, reason] of Object.entries(WRONG_LINES)) {
  test(`a wrong line is told with its reason, and not shown: ${line.slice(0, 70)}`, async () => {
    const { code, err } = await take(newFile(), [line], '--dry-run')
    assert.is(code, 65)
    assert.match(err, /^Line 1: /)
    assert.match(err, reason)
    assert.not.match(err, /secret(?!Hash)/i)
  })
}

test('ends and API keys are wrong where everything is not asked for, and an export has none', async () => {
  const path = newFile()
  const lines = [renderEndLine(END), renderKeyLine(KEY)]
  const plain = await runHere(importCommand, ['--data', path], { stdin: bytesOf(lines) })
  assert.is(plain.code, 65)
  assert.match(plain.err, /^Line 1: it is the end of a session, which only --everything imports$/m)
  assert.match(plain.err, /^Line 2: it is an API key, which only --everything imports$/m)
  const json = ['--json', '--data', path]
  const counted = await runHere(importCommand, json, { stdin: bytesOf(lines) })
  assert.equal(JSON.parse(counted.out), { imported: 0, there: 0, expired: 0, wrong: 2 })
  await take(path, lines)
  for (const flags of [[], ['--with-secret-hashes']]) {
    assert.is((await runHere(exportCommand, [...flags, '--data', path])).out, '')
  }
  const foreign = ['--everything', '--from', 'connect-redis', '--data', path]
  assert.match((await runHere(importCommand, foreign)).refusal, /for an export of Coatcheck/)
})

test('what is exported comes back the same: keys, ends and sessions, of one app or of all', async () => {
  const keys: readonly ApiKey[] = [
    { ...KEY, hash: 'a'.repeat(43), scope: 'read', revokedAt: 7, lastUsedAt: 5 },
    { ...KEY, createdAt: 2 },
    { ...KEY, hash: 'b'.repeat(43), name: 'of-shop', createdAt: 3, app: 'shop' },
  ]
  const ends: readonly Tombstone[] = [
    END,
    { ...END, id: 'shop~gone', secretHash: null, reason: 'evicted', keepEndedMs: 5 },
  ]
  const sessions = ['one', 'shop~two'].map((id) => sessionAt(NOW, { id, secretHash: HASH }))
  const lines = [
    ...keys.map(renderKeyLine),
    ...ends.map(renderEndLine),
    ...sessions.map((session) => renderSessionLine(session, true)),
  ]
  const [first, second] = [newFile(), newFile()]
  const told = 'Imported 2, 2 ended sessions and 3 API keys; left out 0 that were there, '
  const dry = await take(first, lines, '--dry-run')
  assert.is(dry.out, `${told.replace('Imported', 'Would import')}0 expired and 0 wrong\n`)
  assert.is((await take(first, lines)).out, `${told}0 expired and 0 wrong\n`)
  assert.equal(await exported(first), lines)
  await take(second, await exported(first))
  assert.equal(await exported(second), lines)
  assert.equal(await exported(second, '--app', 'shop'), [lines[2], lines[4], lines[6]].map(String))
  const again = await take(second, lines, '--json')
  const none = { imported: 0, ended: 0, keys: 0, there: 7, expired: 0, wrong: 0 }
  assert.equal(JSON.parse(again.out), none)
})

test('an end that comes later ends the session that was imported before, and none that began since', async () => {
  const path = newFile()
  const own = { secretHash: null, createdAt: NOW, lastSeenAt: NOW }
  await take(path, [
    renderSessionLine(sessionAt(NOW, { id: 'stale', secretHash: HASH }), true),
    renderSessionLine(sessionAt(NOW, { id: 'own-stale', ...own }), true),
    renderSessionLine(sessionAt(NOW, { id: 'own-again', ...own }), true),
  ])
  const lines = [
    renderEndLine({ ...END, id: 'stale' }),
    renderEndLine({ ...END, id: 'own-stale', secretHash: null, endedAt: NOW }),
    renderEndLine({ ...END, id: 'own-again', secretHash: null, endedAt: NOW - 1 }),
  ]
  assert.match((await take(path, lines, '--dry-run')).out, /^Would import 0, 2 ended .* 1 that/)
  assert.match((await take(path, lines)).out, /^Imported 0, 2 ended sessions .* 1 that were there/)
  assert.equal(await statesIn(path, ['stale', 'own-stale', 'own-again']), [
    'ended',
    'ended',
    'live',
  ])
  assert.match((await take(path, lines)).out, /^Imported 0, 0 ended sessions .* 3 that were there/)
})

test('a session that is in use here does not end by its age where it came from', async () => {
  const path = newFile()
  const old = { id: 'used', secretHash: HASH, createdAt: NOW - HOUR, idleTimeoutMs: 30 * MINUTE }
  const used = renderSessionLine(sessionAt(NOW, old), true)
  const unused = renderSessionLine(sessionAt(NOW, { ...old, lastSeenAt: NOW - HOUR }), true)
  const end = renderEndLine({ ...END, id: 'used', reason: 'idle_timeout', endedAt: NOW - 1 })
  await take(path, [used])
  for (const line of [unused, end]) {
    assert.match((await take(path, [line], '--dry-run')).out, /^Would import 0, 0 ended .* 1 that/)
    assert.match((await take(path, [line])).out, /^Imported 0, 0 ended sessions .* 1 that were/)
  }
  assert.equal(await statesIn(path, ['used']), ['live'])
})

test('what has expired on the way is remembered as ended, where everything is asked for', async () => {
  const line = renderSessionLine(sessionAt(NOW - HOUR, { id: 'late' }), false)
  const path = newFile()
  await runHere(importCommand, ['--data', path], { stdin: bytesOf([line]) })
  assert.equal(await statesIn(path, ['late']), ['absent'])
  assert.match((await take(path, [line])).out, /1 expired and 0 wrong/)
  assert.equal(await statesIn(path, ['late']), ['ended'])
})

test('a key that was revoked since is revoked here, and one whose name is taken gets another', async () => {
  const path = newFile()
  const long = 'n'.repeat(64)
  const other = (n: number) => String(n).repeat(43)
  await take(path, [KEY, { ...KEY, hash: other(1), name: long }].map(renderKeyLine))
  const run = await take(
    path,
    [
      { ...KEY, hash: other(2) },
      { ...KEY, hash: other(3) },
      { ...KEY, hash: other(4), name: long },
      { ...KEY, revokedAt: 9 },
      { ...KEY, hash: other(5) },
      { ...KEY, hash: other(6), revokedAt: 3 },
    ].map(renderKeyLine),
  )
  assert.match(run.out, /^Imported 0, 0 ended sessions and 6 API keys; left out 0 /)
  assert.match(run.err, /^The API key "shop" is called "shop-2" here: another has its name$/m)
  const reader = await stores.openReader(path)
  const kept = (await reader.keys.list()).map(({ hash, name, revokedAt }) => [
    hash[0],
    name,
    revokedAt,
  ])
  await reader.close()
  assert.equal(kept.toSorted(), [
    ['1', long, null],
    ['2', 'shop-2', null],
    ['3', 'shop-3', null],
    ['4', `${'n'.repeat(62)}-2`, null],
    ['5', 'shop', null],
    ['6', 'shop', 3],
    ['h', 'shop', 9],
  ])
})

test('a damaged end is left out and told, and all else is exported', async () => {
  const path = newFile()
  await take(path, [renderEndLine(END), renderEndLine({ ...END, id: 'whole' })])
  const database = new Database(path)
  database.exec("update tombstones set reason = 'evicted' where id = 'gone'")
  database.close()
  const run = await runHere(exportCommand, ['--everything', '--data', path])
  assert.is(run.code, 65)
  assert.match(run.err, /^Left out gone: its record is damaged$/m)
  assert.is(run.out, `${renderEndLine({ ...END, id: 'whole' })}\n`)
})

test('a line of any end or key reads back as it', () => {
  const time = fc.integer({ min: 0, max: 2 ** 42 })
  const hash = fc.stringMatching(/^[\w-]{43}$/)
  const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined })
  const ends = fc.record({
    id: fc.constantFrom('a', 'shop~é "b"'),
    secretHash: fc.option(hash),
    reason: fc.constantFrom(...END_REASONS),
    endedAt: time,
    keepEndedMs: maybe(fc.integer({ min: 0, max: 1_000 })),
  })
  const keys = fc.record({
    hash,
    name: fc.stringMatching(/^[\w.-]{1,64}$/),
    scope: fc.constantFrom(...KEY_SCOPES),
    app: maybe(fc.constant('shop')),
    createdAt: time,
    revokedAt: fc.option(time),
    lastUsedAt: maybe(time),
  })
  const same = (value: object, back: object) => assert.equal(defined(back), defined(value))
  fc.assert(
    fc.property(ends, keys, (end, key) => {
      same(end, parseEnd(inner(renderEndLine(end as Tombstone))))
      same(key, parseKey(inner(renderKeyLine(key as ApiKey))))
    }),
  )
})

test.run()

function newFile(): string {
  return join(makeFolder(), 'sessions.db')
}

async function take(path: string, lines: readonly string[], ...flags: string[]): Promise<HereRun> {
  const args = ['--everything', ...flags, '--data', path]
  return await runHere(importCommand, args, { stdin: bytesOf(lines) })
}

async function exported(path: string, ...flags: string[]): Promise<string[]> {
  const { out } = await runHere(exportCommand, ['--everything', ...flags, '--data', path])
  return out.trimEnd().split('\n')
}

async function statesIn(path: string, ids: readonly string[]): Promise<string[]> {
  const reader = await stores.openReader(path)
  const found = await Promise.all(ids.map((id) => reader.find(id, NOW)))
  await reader.close()
  return found.map(({ state }) => state)
}

async function* bytesOf(lines: readonly string[]): AsyncGenerator<Buffer> {
  yield Buffer.from(lines.map((line) => `${line}\n`).join(''))
}

/** The object in a line that has one member. */
function inner(line: string): string {
  return JSON.stringify(Object.values(JSON.parse(line))[0])
}

function defined(value: object): object {
  return Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined))
}
