import { exec, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { constants, getPriority } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { exportCommand } from '../../lib/commands/export.ts'
import { importCommand } from '../../lib/commands/import.ts'
import { listCommand } from '../../lib/commands/list.ts'
import { renderSessionLine, parseSessionLine } from '../../lib/transfer/session-line.ts'
import { DAY, MINUTE } from '../kit/store/limits.ts'
import { runHere } from '../kit/process/run-here.ts'
import { idOf, idsIn, makeSessionFile, tamper } from '../kit/store/session-file.ts'
import { makeFolder, PROGRAM, runServer, spawnServer } from '../kit/process/spawn-server.ts'
import { sessionAt } from '../kit/store/session-at.ts'

const test = suite('export and import commands')

const NOW = Date.UTC(2026, 0, 1)
const ID = 'an-id-of-17-chars'
const LIMITS = '"idleTimeoutMs":1800000,"lifetimeMs":3600000'

const WRONG_LINES: Record<string, RegExp> = {
  'x secret': /line is not JSON/,
  '"secret"': /it must be an object/,
  '{}': /"id" must be 1 to 128/,
  '{"id":"a~b~c"}': /"id" must be 1 to 128/,
  [`{"id":"${ID}"}`]: /"idleTimeoutMs" must be an integer from 1 to/,
  [`{"id":"${ID}",${LIMITS},"data":[]}`]: /"data" must be a JSON object, it is of type array/,
  [`{"id":"${ID}",${LIMITS},"claims":{"sub":5}}`]: /claims.sub: it must be a string/,
  [`{"id":"${ID}",${LIMITS},"createdAt":"secret"}`]: /"createdAt" must be a time/,
  [`{"id":"${ID}",${LIMITS},"createdAt":"+020000-01-01T00:00:00.000Z"}`]:
    /"createdAt" must be a time/,
  [`{"id":"${ID}","idleTimeoutMs":1,"lifetimeMs":9007199254740991}`]:
    /"lifetimeMs" must be an integer from 1 to 253402300799999/,
  [`{"id":"${ID}",${LIMITS},"version":0}`]: /"version" must be an integer from 1 to/,
  [`{"id":"${ID}",${LIMITS},"secretHash":"x"}`]: /"secretHash" must be a SHA-256/,
  [`{"id":"${ID}",${LIMITS},"secret":1}`]: /a member that no session has/,
  [`{"id":"${ID}",${LIMITS},"data":${'['.repeat(2_000)}}`]: /nest deeper/,
}

for (const [line, reason] of Object.entries(WRONG_LINES)) {
  test(`a wrong line is told by its number and reason, and not shown: ${line.slice(0, 60)}`, async () => {
    const path = makeSessionFile(0)
    const good = `{"id":"${idOf(1)}",${LIMITS}}`
    const run = await runHere(importCommand, ['--data', path], {
      stdin: bytesOf(`${line}\n${good}`),
    })
    assert.is(run.code, 65)
    assert.match(run.err, /^Line 1: /)
    assert.match(run.err, reason)
    assert.not.match(run.err, /secret(?!Hash)/)
    assert.is(run.out, 'Imported 1; left out 0 that were there, 0 expired and 1 wrong\n')
  })
}

test('words and stores that make no sense are refused', async () => {
  const path = makeSessionFile(0)
  const refusals = [
    await runHere(importCommand, ['file', '--data', path]),
    await runHere(importCommand, ['--from', 'memcached', '--data', path]),
    await runHere(importCommand, ['--strict', '--lenient', '--data', path]),
    await runHere(importCommand, ['--prefix', 'sess:', '--data', path]),
    await runHere(importCommand, ['--sub', 'user', '--data', path]),
    await runHere(importCommand, ['--from', 'connect-redis', '--sub', '', '--data', path]),
    await runHere(importCommand, ['--from', 'connect-redis', '--sub', '/~2', '--data', path]),
    await runHere(exportCommand, ['file', '--data', path]),
    await runHere(listCommand, ['--limit', '3', '--data', path]),
  ]
  for (const { refusal } of refusals) assert.match(refusal, /usage: (import|export|list)/)
  assert.is((await runHere(exportCommand, ['--data', `${path}-not`])).fault, 'missing')
})

test('with --strict the import stops at the first wrong line, and what came before it stays', async () => {
  const path = makeSessionFile(0)
  const lines = [0, 1, 2].map((n) => `{"id":"${idOf(n)}",${LIMITS}}`)
  const stdin = bytesOf([lines[0], 'wrong', lines[1], lines[2]].join('\n'))
  const run = await runHere(importCommand, ['--strict', '--json', '--data', path], { stdin })
  assert.is(run.code, 65)
  assert.equal(JSON.parse(run.out), { imported: 1, there: 0, expired: 0, wrong: 1 })
  assert.equal(idsIn(path), [idOf(0)])
})

test('bytes that are not UTF-8 are a wrong line', async () => {
  const path = makeSessionFile(0)
  const line = Buffer.from(`{"id":"${ID}",${LIMITS},"data":{"a":"\xff"}}`, 'latin1')
  const run = await runHere(importCommand, ['--data', path], { stdin: chunks(line) })
  assert.match(run.err, /^Line 1: Cannot read it: it is not UTF-8/)
  assert.is(run.code, 65)
})

test('an import of nothing is told and is 65, with --lenient it is 0', async () => {
  const path = makeSessionFile(0)
  for (const text of ['', '\n \r\n', '\ufeff', '[]']) {
    const run = await runHere(importCommand, ['--data', path], { stdin: bytesOf(text) })
    assert.is(run.code, 65)
    assert.match(run.err, /There is nothing to import/)
    const args = ['--lenient', '--data', path]
    const lenient = await runHere(importCommand, args, { stdin: bytesOf(text) })
    assert.is(lenient.code, 0)
    assert.is(lenient.out, 'Imported 0; left out 0 that were there, 0 expired and 0 wrong\n')
  }
})

test('with --lenient what is wrong is told all the same, and the exit code is 0', async () => {
  const path = makeSessionFile(0)
  const stdin = bytesOf(`wrong\n{"id":"${idOf(1)}",${LIMITS}}\n`)
  const run = await runHere(importCommand, ['--lenient', '--json', '--data', path], { stdin })
  assert.is(run.code, 0)
  assert.match(run.err, /^Line 1: /)
  assert.equal(JSON.parse(run.out), { imported: 1, there: 0, expired: 0, wrong: 1 })
})

test('a dump in which all is wrong says so of the first, and counts the others', async () => {
  const path = makeSessionFile(0)
  const stdin = bytesOf('wrong\n'.repeat(1_000))
  const run = await runHere(importCommand, ['--data', path], { stdin })
  assert.is(run.code, 65)
  assert.is(run.err.match(/^Line /gm)?.length, 20)
  assert.match(run.err, /^… and 980 more that are wrong$/m)
  assert.is(run.out, 'Imported 0; left out 0 that were there, 0 expired and 1000 wrong\n')
})

test('a dry run counts the same and writes nothing', async () => {
  const path = makeSessionFile(2, { now: NOW })
  const lines = [1, 2, 3].map((n) => `{"id":"${idOf(n)}",${LIMITS}}`)
  const stdin = bytesOf([...lines, 'wrong'].join('\n'))
  const run = await runHere(importCommand, ['--dry-run', '--data', path], { stdin })
  assert.is(run.code, 65)
  assert.is(run.out, 'Would import 2; left out 1 that were there, 0 expired and 1 wrong\n')
  assert.equal(idsIn(path), [idOf(0), idOf(1)])
})

test('sessions that a person has made readable, or put into an array, are the same', async () => {
  const session = JSON.parse(`{"id":"${idOf(1)}",${LIMITS},"data":{"a":[1,{}]}}`)
  for (const value of [session, [session]]) {
    const path = makeSessionFile(0)
    const stdin = bytesOf(JSON.stringify(value, undefined, 2))
    assert.is((await runHere(importCommand, ['--data', path], { stdin })).code, 0)
    assert.equal(idsIn(path), [idOf(1)])
  }
})

const UNREADABLE: Record<string, readonly [bytes: Buffer, reason: RegExp]> = {
  gzip: [gzipSync('{}'), /it is gzip; .*gunzip/],
  'UTF-16 with a mark': [Buffer.from('\ufeff{"id":1}\n', 'utf16le'), /it is UTF-16; .*iconv/],
  'UTF-16 without one': [Buffer.from('{\n', 'utf16le'), /it is UTF-16; .*iconv/],
  'an RDB file': [Buffer.from('REDIS0011\xfa\x09redis-ver', 'latin1'), /RDB.*redis-dump --json/],
  RESP: [Buffer.from('*3\r\n$3\r\nSET\r\n'), /RESP.*redis-dump --json/],
  'an SQLite file': [Buffer.from('SQLite format 3\0\x10'), /SQLite.*coatcheck restore/],
}

for (const [name, [bytes, reason]] of Object.entries(UNREADABLE)) {
  test(`${name} is refused as a whole, with the way out`, async () => {
    const path = makeSessionFile(0)
    for (const stdin of [chunks(bytes), chunks(...[...bytes].map((byte) => Buffer.of(byte)))]) {
      const run = await runHere(importCommand, ['--lenient', '--data', path], { stdin })
      assert.is(run.code, 65)
      assert.match(run.err, reason)
      assert.is(run.out, '')
    }
  })
}

test('what is there, live or ended, and what has expired is left out', async () => {
  const path = makeSessionFile(2, { now: NOW })
  tamper(path, `insert into tombstones values ('${idOf(5)}', null, 'logout', ${NOW}, 0, null)`)
  const stdin = bytesOf(
    [
      `{"id":"${idOf(1)}",${LIMITS},"data":{"other":1}}`,
      `{"id":"${idOf(5)}",${LIMITS}}`,
      `{"id":"${idOf(6)}",${LIMITS},"lastSeenAt":"2025-12-31T23:00:00.000Z"}`,
      `{"id":"${idOf(7)}",${LIMITS}}`,
      '',
    ].join('\r\n'),
  )
  const run = await runHere(importCommand, ['--data', path], { stdin })
  assert.is(run.out, 'Imported 1; left out 2 that were there, 1 expired and 0 wrong\n')
  const { out } = await runHere(exportCommand, ['--data', path])
  assert.ok(out.includes('"kept":"to itself"') && !out.includes('other'))
})

test('what is exported comes back the same, byte for byte, however it is cut on its way', async () => {
  const data = '{"n":12345678901234567890,"x": 1.0 ,"e":1e400,"__proto__":{"😀":"\\ud800"},"":null}'
  const path = makeSessionFile(0)
  const lines = [0, 1, 2].map((n) => {
    const given = { id: idOf(n), data, claims: '{"sub":"zoë"}', permanent: n === 1, version: 7 }
    return renderSessionLine(sessionAt(NOW, { ...given, device: '{"address":"::1"}' }), true)
  })
  const bytes = Buffer.from(`${lines.join('\n')}\n`)
  const stdin = chunks(...[...bytes].map((byte) => Buffer.of(byte)))
  // A hash is 43 characters; the helper's is shorter.
  const hash = 'h'.repeat(43)
  const whole = Buffer.concat(await Array.fromAsync(stdin))
    .toString()
    .replaceAll('"hash"', `"${hash}"`)
  const run = await runHere(importCommand, ['--data', path], { stdin: bytesOf(whole) })
  assert.is(run.out, 'Imported 3; left out 0 that were there, 0 expired and 0 wrong\n')
  const withHashes = await runHere(exportCommand, ['--with-secret-hashes', '--data', path])
  assert.is(withHashes.out, whole)
  const without = await runHere(exportCommand, ['--data', path])
  assert.is(without.out, whole.replaceAll(`,"secretHash":"${hash}"`, ''))
})

test('a session of our own over the limits of the environment is wrong, and they are named', async () => {
  const deep = (depth: number) => '['.repeat(depth) + ']'.repeat(depth)
  const data: Record<string, string> = {
    SESSION_LIMIT: `{"a":"${'x'.repeat(200_000)}"}`,
    KEY_LIMIT: `{"${'k'.repeat(257)}":1}`,
    MAX_KEYS: JSON.stringify(Object.fromEntries(Array.from({ length: 1_001 }, (_, n) => [n, n]))),
    MAX_DEPTH: `{"a":${deep(65)}}`,
  }
  const lines = Object.values(data).map((text, n) => `{"id":"${idOf(n)}",${LIMITS},"data":${text}}`)
  const claims = `{"a":"${'x'.repeat(65_000)}"}`
  lines.push(
    `{"id":"${idOf(4)}",${LIMITS},"claims":{"a":"${'x'.repeat(65_600)}"}}`,
    `{"id":"${idOf(5)}",${LIMITS},"claims":{"a":${deep(65)}}}`,
    // What one server can hold: claims may be written whatever the data take.
    `{"id":"${idOf(6)}",${LIMITS},"data":${claims},"claims":${claims}}`,
    `{"id":"${idOf(7)}",${LIMITS},"data":{"${'k'.repeat(256)}":${deep(64)}}}`,
  )
  const path = makeSessionFile(0)
  const dry = ['--dry-run', '--data', path]
  const input = lines.join('\n')
  const tried = await runHere(importCommand, dry, { stdin: bytesOf(input) })
  assert.is(tried.out, 'Would import 2; left out 0 that were there, 0 expired and 6 wrong\n')
  const run = await runHere(importCommand, ['--data', path], { stdin: bytesOf(input) })
  assert.is(run.code, 65)
  assert.is(run.out, 'Imported 2; left out 0 that were there, 0 expired and 6 wrong\n')
  assert.equal(idsIn(path), [6, 7].map(idOf))
  const reasons = run.err.split('\n')
  for (const [n, name] of [...Object.keys(data), 'SESSION_LIMIT', 'MAX_DEPTH'].entries()) {
    assert.ok(reasons[n]?.endsWith(`(COATCHECK_${name})`), reasons[n])
  }

  process.env['COATCHECK_SESSION_LIMIT'] = '256KiB'
  try {
    const stdin = bytesOf(lines[0] ?? '')
    assert.is((await runHere(importCommand, ['--data', path], { stdin })).code, 0)
  } finally {
    delete process.env['COATCHECK_SESSION_LIMIT']
  }
})

test('a line of any session reads back as that session', () => {
  const text = fc
    .dictionary(fc.string({ unit: 'binary' }), fc.jsonValue())
    .map((value) => JSON.stringify(value))
  fc.assert(
    fc.property(text, fc.boolean(), fc.integer({ min: 1, max: 2 ** 38 }), (data, permanent, ms) => {
      const given = { id: ID, data, permanent, idleTimeoutMs: ms, secretHash: 'h'.repeat(43) }
      const session = sessionAt(NOW, given)
      const line = renderSessionLine(session, true)
      assert.not.match(line, /[\r\n]/)
      const back = parseSessionLine(line, NOW + 1)
      assert.equal({ ...back, data: JSON.parse(back.data) }, { ...session, data: JSON.parse(data) })
    }),
  )
})

test('sessions of connect-redis come with their data and the time their cookie has left', async () => {
  const path = makeSessionFile(0)
  const cookie = { originalMaxAge: 60_000, expires: new Date(NOW + 20_000), path: '/' }
  const stdin = bytesOf(
    [
      JSON.stringify({ [`sess:${idOf(1)}`]: JSON.stringify({ cookie, user: 'ada', n: 1 }) }),
      JSON.stringify({ [`sess:${idOf(2)}`]: { cookie: { originalMaxAge: null }, cart: [] } }),
      JSON.stringify({ [`sess:${idOf(3)}`]: { cookie: { ...cookie, expires: new Date(NOW) } } }),
      JSON.stringify({ 'sess:short': {} }),
      JSON.stringify({ [`other:${idOf(4)}`]: {} }),
      JSON.stringify({ [`sess:${idOf(4)}`]: 'not JSON' }),
    ].join('\n'),
  )
  const run = await runHere(importCommand, ['--from', 'connect-redis', '--data', path], { stdin })
  assert.is(run.out, 'Imported 2; left out 0 that were there, 1 expired and 3 wrong\n')
  const listed = await runHere(listCommand, ['--json', '--data', path])
  const [first, second] = listed.out.trim().split('\n').map(parseShown)
  assert.equal(first?.data, { user: 'ada', n: 1 })
  assert.is(first?.expiresAt, new Date(NOW + 20_000).toISOString())
  assert.equal(second?.data, { cart: [] })
  assert.is(second?.expiresAt, new Date(NOW + DAY).toISOString())
})

test('sessions of flask-session come as permanent ones where they were', async () => {
  const path = makeSessionFile(0)
  const dump = {
    [`session:${idOf(1)}`]: { _permanent: true, user: 'ada' },
    [`session:${idOf(2)}`]: '{"user":"eve","n":12345678901234567890}',
  }
  const stdin = bytesOf(JSON.stringify(dump))
  const run = await runHere(importCommand, ['--from', 'flask-session', '--data', path], { stdin })
  assert.is(run.out, 'Imported 2; left out 0 that were there, 0 expired and 0 wrong\n')
  const { out } = await runHere(listCommand, ['--json', '--data', path])
  const [first, second] = out.trim().split('\n')
  assert.equal(
    [parseShown(first ?? '').data, parseShown(first ?? '').permanent],
    [{ user: 'ada' }, true],
  )
  assert.is(parseShown(first ?? '').expiresAt, new Date(NOW + 31 * DAY).toISOString())
  assert.ok(second?.includes('"data":{"user":"eve","n":12345678901234567890}'))
  assert.is(parseShown(second ?? '').expiresAt, new Date(NOW + 30 * MINUTE).toISOString())
})

test('list shows those of one user, as a table whose names cannot draw on the terminal', async () => {
  const path = makeSessionFile(4, { now: NOW })
  const all = await runHere(listCommand, ['--data', path])
  assert.is(all.out.trim().split('\n').length, 4)
  tamper(path, `update sessions set claims = '{"sub":"a\\tb"}' where id = '${idOf(1)}'`)
  const { out } = await runHere(listCommand, ['--sub', 'user-1', '--data', path])
  assert.is(
    out,
    `${idOf(1)}\t"a\\tb"\tseen 2026-01-01T00:00:00.000Z\texpires 2026-01-02T00:00:00.000Z\n`,
  )
})

test('an import beside a running server is found by it at once, and its writes go on', async () => {
  const path = join(makeFolder(), 'sessions.db')
  const server = await spawnServer(['--data', path], { COATCHECK_API_KEY: KEY })
  const lines = Array.from({ length: 3_000 }, (_, n) => `{"id":"${idOf(n)}",${LIMITS}}`)
  const input = join(makeFolder(), 'in.ndjson')
  writeFileSync(input, lines.join('\n'))
  const importing = promisify(exec)(`${commandLine} import --json --data ${path} < ${input}`)
  const writes: number[] = []
  let done = false
  void importing.finally(() => (done = true))
  while (!done) {
    const answer = await fetch(`${server.url}/session/n`, { method: 'PUT', body: '1' })
    writes.push(answer.status)
  }
  assert.equal(JSON.parse((await importing).stdout), {
    imported: 3_000,
    there: 0,
    expired: 0,
    wrong: 0,
  })
  assert.ok(writes.every((status) => status === 204))
  const headers = { authorization: `Bearer ${KEY}` }
  assert.is((await fetch(`${server.url}/sessions/${idOf(2_999)}`, { headers })).status, 200)
  server.kill('SIGTERM')
  await server.ended
})

test('a reader that wants no more ends an export quietly', async () => {
  const path = makeSessionFile(3_000, { data: `{"text":"${'x'.repeat(300)}"}` })
  const { stdout, stderr } = await promisify(exec)(
    `${commandLine} export --data ${path} | head -n 1`,
  )
  assert.is(stdout.trim().split('\n').length, 1)
  assert.not.match(stderr, /EPIPE|Error/)
})

test('an export of another process is imported by another, into an empty file', async () => {
  const from = makeSessionFile(1_200)
  const into = makeSessionFile(0)
  const pipe = `${commandLine} export --data ${from} | ${commandLine} import --json --data ${into}`
  const { stdout } = await promisify(exec)(pipe)
  assert.equal(JSON.parse(stdout), { imported: 1_200, there: 0, expired: 0, wrong: 0 })
  assert.equal(idsIn(into), idsIn(from))
  assert.match((await runServer(['import', '--help'])).stdout, /import \[--strict\]/)
})

const KEY = 'ck_the-key-of-all-the-tests'
const commandLine = PROGRAM.map((word) => `'${word}'`).join(' ')

function bytesOf(text: string): AsyncIterable<Buffer> {
  return chunks(Buffer.from(text))
}

async function* chunks(...buffers: Buffer[]): AsyncGenerator<Buffer> {
  yield* buffers
}

type Shown = { data: unknown; expiresAt: string; permanent: boolean }

function parseShown(line: string): Shown {
  const shown: Shown = JSON.parse(line)
  return shown
}

test('a command leaves the processor to a server beside it', async () => {
  const path = makeSessionFile(1)
  const [command = '', ...program] = PROGRAM
  const child = spawn(command, [...program, 'import', '--data', path], { stdio: 'pipe' })
  child.stdin.write('no session\n')
  // It works on the first line, and waits for another.
  await once(child.stderr, 'data')
  const own = getPriority(child.pid)
  child.stdin.end()
  await once(child, 'close')
  assert.is(own, constants.priority.PRIORITY_LOW)
})

test.run()
