import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { importCommand } from '../../lib/commands/import.ts'
import { listCommand } from '../../lib/commands/list.ts'
import { showCommand } from '../../lib/commands/show.ts'
import { DAY, HOUR, MINUTE } from '../kit/store/limits.ts'
import { bytesOf, expiryOf, importFrom } from '../kit/process/import-from.ts'
import { runHere } from '../kit/process/run-here.ts'
import { idOf, idsIn } from '../kit/store/session-file.ts'

const test = suite('import of foreign dumps')

const NOW = Date.UTC(2026, 0, 1)

test('one wrong value in an object of many leaves the others be', async () => {
  const { path, code, out, err } = await importFrom('connect-redis', {
    [`sess:${idOf(1)}`]: { cookie: {} },
    'queue:7': 'of another program',
    [`sess:${idOf(2)}`]: [],
    [`sess:${idOf(3)}`]: { cookie: {} },
  })
  assert.is(code, 65)
  assert.match(out, /^Imported 2; .* and 2 wrong\n$/)
  assert.match(err, /^Line 1: .*its key must be sess:.*\nLine 1: .*its value must be a JSON object/)
  assert.equal(idsIn(path), [idOf(1), idOf(3)])
})

test('with --strict what came before the wrong value of an object stays', async () => {
  const cookie = {}
  const dump = { [`sess:${idOf(1)}`]: { cookie }, x: {}, [`sess:${idOf(2)}`]: { cookie } }
  const { path, code } = await importFrom('connect-redis', dump, '--strict')
  assert.is(code, 65)
  assert.equal(idsIn(path), [idOf(1)])
})

test('an object that is written for people to read is taken as one', async () => {
  const dump = { [`session:${idOf(1)}`]: { n: 1 }, [`session:${idOf(2)}`]: { n: 2 } }
  const { path } = await importFrom('flask-session', JSON.stringify(dump, undefined, 2))
  assert.equal(idsIn(path), [idOf(1), idOf(2)])
})

test('a time that no session can have stops nothing, and is no longer than the longest', async () => {
  const ages = ['1e300', '1e400', '0.5', '-1', '"x"', 'null', '{}']
  const lines = ages.map((age, n) => `{"sess:${idOf(n)}":{"cookie":{"originalMaxAge":${age}}}}`)
  const { path, out } = await importFrom('connect-redis', lines.join('\n'))
  assert.match(out, /^Imported 7;/)
  const listed = await runHere(listCommand, ['--data', path])
  assert.is(listed.out.trim().split('\n').length, 7)
  assert.is(await expiryOf(path, idOf(0)), NOW + 400 * DAY)
})

test('a session whose cookie says only when it expires lives until then', async () => {
  const cookie = { originalMaxAge: null, expires: new Date(NOW + 20 * DAY) }
  const { path } = await importFrom('connect-redis', { [`sess:${idOf(1)}`]: { cookie } })
  assert.is(await expiryOf(path, idOf(1)), NOW + 20 * DAY)
})

test('a session that was in use for longer than its lifetime does not end for that', async () => {
  const cookie = { originalMaxAge: 3_000 * DAY, expires: new Date(NOW + 10 * DAY) }
  const { path } = await importFrom('connect-redis', { [`sess:${idOf(1)}`]: { cookie } })
  assert.is(await expiryOf(path, idOf(1)), NOW + 10 * DAY)
})

test('the time that Redis gives a key counts before a cookie that has not been saved since', async () => {
  const cookie = { originalMaxAge: HOUR, expires: new Date(NOW - MINUTE) }
  const entry = (n: number, ttl: unknown) =>
    JSON.stringify({ key: `sess:${idOf(n)}`, value: JSON.stringify({ cookie }), ttl })
  const lines = [entry(1, 600), entry(2, -1), entry(3, -2), entry(4, '600'), entry(5, null)]
  const { path, out } = await importFrom('connect-redis', lines.join('\n'))
  assert.is(out, 'Imported 1; left out 0 that were there, 3 expired and 1 wrong\n')
  assert.is(await expiryOf(path, idOf(1)), NOW + 600_000)
})

test('the time that Redis gives a key is the idle timeout of a Flask session', async () => {
  const value = '{"_permanent":true}'
  const dump = { key: `session:${idOf(1)}`, value, ttl: 7 * 86_400 }
  const { path } = await importFrom('flask-session', dump)
  assert.is(await expiryOf(path, idOf(1)), NOW + 7 * DAY)
})

const COOKIE = { originalMaxAge: null, expires: null, path: '/' }
const KEY = `sess:${idOf(1)}`
const VALUE = JSON.stringify({ cookie: COOKIE, user: 'ada' })

/** What tools write of the end of a key; how long it has left. */
const TIMES: Record<string, readonly [record: object | string, leftMs: number]> = {
  'Ruby redis-dump, in seconds': [
    { db: 0, key: KEY, ttl: 50, type: 'string', value: VALUE, size: 9 },
    50_000,
  ],
  'Ruby redis-dump, none': [{ db: 0, key: KEY, ttl: -1, type: 'string', value: VALUE }, DAY],
  'RIOT, in ms': [{ key: KEY, type: 'string', value: VALUE, ttl: 50_000, memoryUsage: 9 }, 50_000],
  'RIOT, a moment in ms': [
    { key: KEY, type: 'string', value: VALUE, ttl: NOW + 50_000, memoryUsage: 9 },
    50_000,
  ],
  'RIOT, of its second version': [{ key: KEY, ttl: 50_000, value: VALUE, type: 'STRING' }, 50_000],
  'RIOT, none': [{ key: KEY, ttl: -1, value: VALUE, type: 'STRING' }, DAY],
  'RIOT, none, as 0': [{ key: KEY, ttl: 0, value: VALUE, memoryUsage: 1 }, DAY],
  'RIOT-X, without any': [{ key: KEY, event: 'scan', type: 'string', value: VALUE }, DAY],
  'an array of RIOT': [[{ key: KEY, type: 'string', value: VALUE, ttl: 5_000, mem: 1 }], 5_000],
  'a moment in seconds': [{ key: KEY, value: VALUE, ttl: NOW / 1000 + 50 }, 50_000],
  PTTL: [{ key: KEY, value: VALUE, pttl: 50_500 }, 50_500],
  EXPIREAT: [{ key: KEY, value: VALUE, expireat: NOW / 1000 + 50 }, 50_000],
  PEXPIREAT: [{ key: KEY, value: VALUE, pexpireat: NOW + 50_500 }, 50_500],
  'a moment of ISO 8601': [{ key: KEY, value: VALUE, expiry: '2026-01-01T00:00:50Z' }, 50_000],
  'a moment with an offset': [
    { key: KEY, value: VALUE, expires_at: '2026-01-01 01:00:50.5+01' },
    50_500,
  ],
  'a moment without a zone, which is UTC': [
    { key: KEY, value: VALUE, expire: '2026-01-01 00:00:50' },
    50_000,
  ],
  'a command with its end': [`SET ${KEY} '${VALUE}' EX 50`, 50_000],
  'a command with its end in ms': [`set ${KEY} '${VALUE}' px 50500`, 50_500],
  'EXPIRE as a command': [`SET ${KEY} '${VALUE}'\nEXPIRE ${KEY} 50`, 50_000],
  'PEXPIREAT as a command': [`SET ${KEY} '${VALUE}'\nPEXPIREAT ${KEY} ${NOW + 50_500}`, 50_500],
  'EXPIRE of another key': [`SET ${KEY} '${VALUE}'\nEXPIRE sess:other 50`, DAY],
  'a line with its end behind': [`${KEY} ${VALUE} 50`, 50_000],
  'a line with its end before': [`${KEY}\t50\t${VALUE}`, 50_000],
  'a line of CSV': [`"${KEY}","${VALUE.replaceAll('"', '""')}",50`, 50_000],
  'three lines': [`${KEY}\n${VALUE}\n50\n`, 50_000],
  'three lines, the value last': [`${KEY}\n50\n${VALUE}`, 50_000],
  'three lines of a terminal': [`${KEY}\n${JSON.stringify(VALUE)}\n(integer) 50`, 50_000],
  'three lines, CRLF': [`${KEY}\r\n${VALUE}\r\n-1\r\n`, DAY],
}

for (const [name, [record, leftMs]] of Object.entries(TIMES)) {
  test(`the end of a session: ${name}`, async () => {
    const { path, out, err } = await importFrom('connect-redis', record)
    assert.is(out, 'Imported 1; left out 0 that were there, 0 expired and 0 wrong\n', err)
    assert.is(await expiryOf(path, idOf(1)), NOW + leftMs)
    const { out: shown } = await runHere(showCommand, [idOf(1), '--data', path])
    assert.equal(JSON.parse(shown).data, { user: 'ada' })
  })
}

const FLASK_KEY = `session:${idOf(1)}`

/** What is no session of the store, and why. `secret` must not be told. */
const WRONG: Record<string, readonly [store: string, record: object | string, reason: RegExp]> = {
  'another key': ['connect-redis', { [`queue:secret`]: VALUE }, /its key must be sess: and 16 to/],
  'a key that is no id': ['connect-redis', { [`sess:secret id`]: VALUE }, /its key must be sess:/],
  'a value without a cookie': ['connect-redis', { [KEY]: { secret: 1 } }, /an object "cookie"/],
  'a cookie that is none': ['connect-redis', { [KEY]: { cookie: 'secret' } }, /an object "cookie"/],
  'a hash': ['connect-redis', { [KEY]: { type: 'hash', value: { secret: '1' } } }, /it is a hash/],
  'a list of RIOT': [
    'connect-redis',
    { key: KEY, type: 'LIST', value: ['secret'] },
    /it is a list/,
  ],
  'a set': ['connect-redis', { key: KEY, type: 'set', value: ['secret'] }, /it is a set/],
  'a hash without its type': ['connect-redis', { [KEY]: { secret: 'x' } }, /an object "cookie"/],
  'a value that is no JSON': ['connect-redis', { [KEY]: 'secret' }, /must be a JSON object/],
  'a value that breaks off': ['connect-redis', { [KEY]: '{"secret' }, /value is not JSON/],
  'a value of another type': ['connect-redis', { [KEY]: 5 }, /must be a JSON object/],
  'a session without its id': ['session-file-store', { cookie: {} }, /does not say its id/],
  'a time that is none': ['connect-redis', { key: KEY, value: VALUE, ttl: 'secret' }, /"ttl" must/],
  'a moment that is none': [
    'connect-redis',
    { key: KEY, value: VALUE, expire: 'secret' },
    /a time/,
  ],
  'a key alone': ['connect-redis', KEY, /no value follows/],
  'a key that was gone': ['connect-redis', `${KEY}\n(nil)`, /it was gone/],
  'a command for a hash': ['connect-redis', 'HMSET user:1 secret 1', /a collection/],
  'a quote that stays open': ['connect-redis', `SET ${KEY} 'secret`, /quote in it is not closed/],
  'a line of anything': ['connect-redis', 'secret', /neither JSON nor a key/],
  'NUL bytes': ['connect-redis', '\0\0\0\0secret', /neither JSON nor a key/],
  'a pickle of Flask-Session 0.5': [
    'flask-session',
    { [FLASK_KEY]: Buffer.from('80049517000000000000007d', 'hex').toString('base64') },
    /it is a pickle, .*runs what is in it.*moving-in\.md/,
  ],
  'a pickle with the escapes of redis-cli': [
    'flask-session',
    `${FLASK_KEY} "\\x80\\x04\\x95\\x17\\x00\\x00\\x00\\x00\\x00\\x00\\x00}"`,
    /it is a pickle/,
  ],
  'a pickle of the oldest protocol': [
    'flask-session',
    { [FLASK_KEY]: '(dp0\nVsecret' },
    /a pickle/,
  ],
  'MessagePack that breaks off': [
    'flask-session',
    { [FLASK_KEY]: '82a6736563726574' },
    /breaks off/,
  ],
  'MessagePack for connect-redis': ['connect-redis', { [KEY]: '80' }, /must be a JSON object/],
  'MessagePack that is no map': [
    'flask-session',
    { [FLASK_KEY]: '93c0c0c0' },
    /must be a JSON obj/,
  ],
}

for (const [name, [store, record, reason]] of Object.entries(WRONG)) {
  test(`what is no session is wrong, says why, and is not shown: ${name}`, async () => {
    const { code, out, err, path } = await importFrom(store, record)
    assert.match(err, reason)
    assert.match(err, /^Line 1: /)
    assert.not.match(err, /secret/)
    assert.is(out, 'Imported 0; left out 0 that were there, 0 expired and 1 wrong\n')
    assert.is(code, 65)
    assert.equal(idsIn(path), [])
  })
}

test('a session over the limits of a server is wrong, each by its reason', async () => {
  const cookie = COOKIE
  const values = [
    { cookie, a: 'x'.repeat(65_536) },
    { cookie, ...Object.fromEntries(Array.from({ length: 1_001 }, (_, n) => [`k${n}`, n])) },
    { cookie, ['k'.repeat(257)]: 1 },
    { cookie, a: JSON.parse('['.repeat(65) + ']'.repeat(65)) },
    { cookie, a: JSON.parse('['.repeat(64) + ']'.repeat(64)), b: 'x'.repeat(65_000) },
  ]
  const dump = Object.fromEntries(values.map((value, n) => [`sess:${idOf(n)}`, value]))
  const { out, err, path } = await importFrom('connect-redis', dump)
  assert.is(out, 'Imported 1; left out 0 that were there, 0 expired and 4 wrong\n')
  const reasons = ['SESSION_LIMIT', 'MAX_KEYS', 'KEY_LIMIT', 'MAX_DEPTH']
  for (const [n, name] of reasons.entries()) {
    assert.ok(err.split('\n')[n]?.includes(`(COATCHECK_${name})`), err)
  }
  assert.equal(idsIn(path), [idOf(4)])
})

test('another prefix, or none, is asked for by --prefix', async () => {
  const dump = { [`app:${idOf(1)}`]: VALUE, [KEY]: VALUE }
  const { path, out } = await importFrom('connect-redis', dump, '--prefix', 'app:')
  assert.is(out, 'Imported 1; left out 0 that were there, 0 expired and 1 wrong\n')
  assert.equal(idsIn(path), [idOf(1)])
  const bare = await importFrom('connect-redis', { [idOf(2)]: VALUE }, '--prefix', '')
  assert.equal(idsIn(bare.path), [idOf(2)])
})

/** A path, the data that it is read in, and whose session it is; a reason where it is wrong. */
const USERS: readonly (readonly [path: string, data: object, sub: string | undefined | RegExp])[] =
  [
    ['_user_id', { _user_id: '42' }, '42'],
    ['passport.user', { passport: { user: 'ada' } }, 'ada'],
    ['/passport/user', { passport: { user: 'ada' } }, 'ada'],
    ['/a~1b/c~0d', { 'a/b': { 'c~d': 'ada' } }, 'ada'],
    ['user.id', { 'user.id': 'ada' }, 'ada'],
    ['user', { user: 42 }, '42'],
    ['user', { user: -1 }, '-1'],
    ['user', {}, undefined],
    ['user', { user: null }, undefined],
    ['passport.user', { passport: {} }, undefined],
    ['passport.user', { passport: 'x' }, undefined],
    ['user', { user: 1.5 }, /must be a string or an integer, it is a number that is no integer/],
    ['user', { user: { id: 1 } }, /must be a string or an integer, it is object/],
    ['user', { user: ['secret'] }, /must be a string or an integer, it is array/],
    ['user', { user: true }, /must be a string or an integer, it is boolean/],
    ['user', { user: '' }, /claims.sub: it must be a string of 1 to 255/],
    ['user', { user: ' secret' }, /a space at its start/],
    ['user', { user: 'secret\n' }, /a control character/],
  ]

for (const [path, data, sub] of USERS) {
  test(`--sub ${path} of ${JSON.stringify(data)}`, async () => {
    const dump = { [KEY]: { cookie: COOKIE, ...data } }
    const run = await importFrom('connect-redis', dump, '--sub', path)
    if (sub instanceof RegExp) {
      assert.match(run.err, sub)
      assert.not.match(run.err, /secret/)
      assert.is(run.code, 65)
      return
    }
    const { out } = await runHere(showCommand, [idOf(1), '--data', run.path])
    const shown = JSON.parse(out)
    assert.is(shown.claims.sub, sub)
    assert.equal(shown.data, data)
  })
}

test('an integer beyond 53 bits keeps its digits as a user', async () => {
  const dump = `{"${KEY}":{"cookie":{},"user":9223372036854775809}}`
  const { path } = await importFrom('connect-redis', dump, '--sub', 'user')
  const { out } = await runHere(showCommand, [idOf(1), '--data', path])
  assert.is(JSON.parse(out).claims.sub, '9223372036854775809')
})

test('an import that is run again leaves what came by the first as it is', async () => {
  const { path } = await importFrom('connect-redis', { [KEY]: VALUE })
  const stdin = bytesOf(JSON.stringify({ [KEY]: { cookie: COOKIE, user: 'eve' } }))
  const args = ['--from', 'connect-redis', '--data', path]
  const { out, code } = await runHere(importCommand, args, { stdin })
  assert.is(out, 'Imported 0; left out 1 that were there, 0 expired and 0 wrong\n')
  assert.is(code, 0)
  const { out: shown } = await runHere(showCommand, [idOf(1), '--data', path])
  assert.equal(JSON.parse(shown).data, { user: 'ada' })
})

test('a wrong key far into a large object is told by its place in all of it', async () => {
  const filler = 'x'.repeat(60_000)
  const dump: Record<string, unknown> = {}
  for (let n = 0; n < 600; n++) dump[`sess:${idOf(n)}`] = { cookie: COOKIE, filler }
  dump['queue:7'] = 'job'
  const { err } = await importFrom('connect-redis', dump)
  assert.match(err, /^Line 1: .* \(entry 601\)$/m)
})

test('a dump in one object of many megabytes is read in pieces, and each key once', async () => {
  const filler = 'x'.repeat(60_000)
  const ids = Array.from({ length: 600 }, (_, n) => idOf(n))
  const dump = Object.fromEntries(ids.map((id) => [`sess:${id}`, { cookie: COOKIE, filler }]))
  const { path, out } = await importFrom('connect-redis', dump)
  assert.is(out, 'Imported 600; left out 0 that were there, 0 expired and 0 wrong\n')
  assert.equal(idsIn(path), ids)
})

test.run()
