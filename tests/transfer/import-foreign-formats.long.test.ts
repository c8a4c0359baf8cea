import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { showCommand } from '../../lib/commands/show.ts'
import { expiryOf, importFrom } from '../kit/process/import-from.ts'
import { runHere } from '../kit/process/run-here.ts'
import { idOf, idsIn } from '../kit/store/session-file.ts'

const test = suite('import of foreign formats')

const NOW = Date.UTC(2026, 0, 1)

test('a session in the wrapper of npm redis-dump has its own data, its time and its flag', async () => {
  const value = '{"cookie":{"originalMaxAge":60000},"user":"ada"}'
  const dump = { 'sess:aaaaaaaaaaaaaaaa': { type: 'string', value, ttl: 50 } }
  const { path, code, out } = await importFrom('connect-redis', dump)
  assert.is(code, 0)
  assert.is(out, 'Imported 1; left out 0 that were there, 0 expired and 0 wrong\n')
  const shown = await runHere(showCommand, ['aaaaaaaaaaaaaaaa', '--data', path])
  const { data, permanent, expiresAt } = JSON.parse(shown.out)
  assert.equal(data, { user: 'ada' })
  assert.is(permanent, true)
  assert.is(Date.parse(expiresAt), NOW + 50_000)
})

const COOKIE = { originalMaxAge: null, expires: null, path: '/' }
const KEY = `sess:${idOf(1)}`
const VALUE = JSON.stringify({ cookie: COOKIE, user: 'ada' })

const FLASK_KEY = `session:${idOf(1)}`

test('keys of one record each in a dump of connect-mongo', async () => {
  const session = (n: number) => ({
    _id: idOf(n),
    expires: { $date: '2026-01-01T00:00:50.000Z' },
    session: VALUE,
  })
  const canonical = { ...session(2), expires: { $date: { $numberLong: String(NOW + 50_000) } } }
  const stored = {
    ...session(3),
    session: { cookie: { ...COOKIE, expires: { $date: '2026-01-01T00:00:50Z' } }, user: 'ada' },
  }
  const lines = [session(1), canonical, stored].map((line) => JSON.stringify(line))
  for (const dump of [lines.join('\n'), `[${lines.join(',\n')}]`]) {
    const { path, out } = await importFrom('connect-mongo', dump)
    assert.is(out, 'Imported 3; left out 0 that were there, 0 expired and 0 wrong\n')
    for (const n of [1, 2, 3]) assert.is(await expiryOf(path, idOf(n)), NOW + 50_000)
  }
})

test('rows of connect-sqlite3, as JSON and as CSV', async () => {
  const row = { sid: idOf(1), expired: NOW + 50_000, sess: VALUE }
  const csv = `sid,expired,sess\n${idOf(1)},${NOW + 50_000},"${VALUE.replaceAll('"', '""')}"\n`
  for (const dump of [[row], csv]) {
    const { path, out } = await importFrom('connect-sqlite3', dump)
    assert.is(out, 'Imported 1; left out 0 that were there, 0 expired and 0 wrong\n')
    assert.is(await expiryOf(path, idOf(1)), NOW + 50_000)
  }
})

test('rows of Flask-Session in MongoDB, whose values are bytes', async () => {
  const record = {
    _id: { $oid: '65f000000000000000000000' },
    id: FLASK_KEY,
    val: { $binary: { base64: 'gaFhAQ==', subType: '00' } },
    expiration: { $date: '2026-01-01T00:00:50Z' },
  }
  const { path, out } = await importFrom('flask-session', record)
  assert.is(out, 'Imported 1; left out 0 that were there, 0 expired and 0 wrong\n')
  assert.is(await expiryOf(path, idOf(1)), NOW + 50_000)
})

test('MessagePack is read as bytes, with escapes, as base64 and as hex', async () => {
  for (const value of [
    '\x81\xa1a\x01',
    '\\x81\\xa1a\\x01',
    'gaFhAQ==',
    '81a16101',
    '81A161010a',
    '\\x81a16101',
  ]) {
    const { path, out } = await importFrom('flask-session', { [FLASK_KEY]: value })
    assert.is(out, 'Imported 1; left out 0 that were there, 0 expired and 0 wrong\n', value)
    const { out: shown } = await runHere(showCommand, [idOf(1), '--data', path])
    assert.equal(JSON.parse(shown).data, { a: 1 })
  }
})

test('a member that only session-file-store takes for its own is data elsewhere', async () => {
  const data = { __lastAccess: 1 }
  const { path } = await importFrom('connect-redis', { [KEY]: { cookie: COOKIE, ...data } })
  const { out } = await runHere(showCommand, [idOf(1), '--data', path])
  assert.equal(JSON.parse(out).data, data)
})

test('a Flask session whose members have the names of a wrapper is itself', async () => {
  for (const data of [{ value: 1 }, { type: 'string', value: 'x', user: 1 }]) {
    const { path } = await importFrom('flask-session', { [FLASK_KEY]: data })
    const { out } = await runHere(showCommand, [idOf(1), '--data', path])
    assert.equal(JSON.parse(out).data, data)
  }
})

test('a byte order mark, CRLF and no line end at the end make no difference', async () => {
  const lines = [1, 2].map((n) => JSON.stringify({ [`sess:${idOf(n)}`]: VALUE }))
  const { path, out } = await importFrom('connect-redis', `\ufeff${lines.join('\r\n')}`)
  assert.is(out, 'Imported 2; left out 0 that were there, 0 expired and 0 wrong\n')
  assert.equal(idsIn(path), [idOf(1), idOf(2)])
})

test('text that redis-cli --json escapes is read as JSON has it', async () => {
  const value = JSON.stringify({ cookie: COOKIE, text: 'a\u0001\f/\u2028' })
  const { path } = await importFrom('connect-redis', `${KEY}\n${JSON.stringify(value)}`)
  const { out } = await runHere(showCommand, [idOf(1), '--data', path])
  assert.equal(JSON.parse(out).data, { text: 'a\u0001\f/\u2028' })
})

test('text that only looks like bytes stays what it is', async () => {
  const text = 'Ã«'
  const { path } = await importFrom('connect-redis', {
    [KEY]: JSON.stringify({ cookie: COOKIE, text }),
  })
  const { out } = await runHere(showCommand, [idOf(1), '--data', path])
  assert.equal(JSON.parse(out).data, { text })
})

test.run()
