import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { checkCommand } from '../../lib/commands/check.ts'
import { type HereRun, runHere } from '../kit/process/run-here.ts'
import { damageIndex, idOf, makeSessionFile, tamper } from '../kit/store/session-file.ts'
import { openSmallDisk } from '../kit/process/small-disk.ts'
import { makeFolder, runServer, spawnServer } from '../kit/process/spawn-server.ts'

const test = suite('check command')
const ID = idOf(0)

test('check with words that make no sense is refused, and a file that is not there is told', async () => {
  const path = makeSessionFile(1)
  assert.match((await runHere(checkCommand, ['x', '--data', path])).refusal, /usage: check/)
  assert.is((await check(join(makeFolder(), 'none'))).fault, 'missing')
})

test('check of a file in order says so', async () => {
  const path = makeSessionFile(2_500)
  const run = await check(path)
  assert.is(run.code, 0)
  assert.is(run.out, '2500 sessions, 0 tombstones: nothing is wrong\n')
  assert.match(run.err, /Checking sessions: 2,500 of 2,500 \(100 %\)\n$/)
  assert.is((await check(path, '--json')).out, '{"sessions":2500,"tombstones":0,"findings":0}\n')
})

for (const [what, change, rule] of [
  [
    'a sweep later than the earlier limit',
    'sweep_at = expires_at + 1',
    /sweep_at must not be later/,
  ],
  ['a sub that is not in the claims', `sub = 'eve'`, /the column sub must be claims\.sub/],
  ['claims with a sub that no column has', `claims = '{"sub":"eve"}'`, /the column sub must be/],
  ['claims with a sub that fits no header', `claims = '{"sub":7}'`, /claims\.sub must be a string/],
  ['claims that are no object', `claims = '[]'`, /claims must be a JSON object/],
  ['data that are no object', `data = '7'`, /data must be a JSON object/],
  ['data that are no JSON', `data = '{"top":secret}'`, /data must be a JSON object/],
  ['data that nest without an end', `data = replace(zeroblob(9999), x'00', '[')`, /data must be/],
  ['a device that is no object', `device = 'x'`, /device must be a JSON object/],
  ['a version of 0', 'version = 0', /version must be at least 1/],
  ['a flag that is neither', 'permanent = 2', /permanent must be 0 or 1/],
  ['a hash that is none', `secret_hash = 'x'`, /the hash must be a SHA-256/],
] as const) {
  test(`check finds ${what}, and shows no data`, async () => {
    const path = makeSessionFile(3)
    tamper(path, `update sessions set ${change} where id = '${ID}'`)
    const run = await check(path)
    assert.is(run.code, 65)
    const [finding = '', verdict, ...others] = run.out.split('\n')
    assert.ok(finding.startsWith(`session ${ID}: `), finding)
    assert.match(finding, rule)
    assert.is(verdict, '3 sessions, 0 tombstones: 1 finding')
    assert.equal(others, [''])
    assert.not.match(run.out + run.err, /secret\b|eve|itself/)
  })
}

test('check finds an id that is malformed, and shows it on one line', async () => {
  const path = makeSessionFile(1)
  tamper(path, `update sessions set id = 'a' || char(10, 27) || 'b'`)
  const run = await check(path)
  assert.is(
    run.out.split('\n')[0],
    'session "a\\n\\u001bb": id must be 1 to 128 printable characters, none of them ~, no space first or last, not . or .., after APP~ where it is in an app',
  )
})

test('check finds a session that ended, and not one whose forgotten id began again', async () => {
  const path = makeSessionFile(2)
  tamper(
    path,
    `insert into tombstones select id, secret_hash, 'logout', created_at + 1, 0, null from sessions where id = '${ID}';
     insert into tombstones select id, secret_hash, 'logout', created_at - 1, 0, null from sessions where id <> '${ID}'`,
  )
  const run = await check(path)
  assert.is(
    run.out,
    `session ${ID}: an id must not be a session and the tombstone of a later end\n` +
      '2 sessions, 2 tombstones: 1 finding\n',
  )
})

test('check finds what is wrong with tombstones and keys', async () => {
  const path = makeSessionFile(0)
  tamper(
    path,
    `insert into tombstones values ('a~b~c', 'x', 'bored', 1, 0, null);
     insert into api_keys (hash, name, created_at, revoked_at) values ('x', 'laptop', 1, null)`,
  )
  const { out } = await check(path)
  assert.match(
    out,
    /^tombstone "a~b~c": id must be .*\ntombstone "a~b~c": the hash .*\ntombstone "a~b~c": reason must be one of/,
  )
  assert.match(out, /\napi_key laptop: the hash must be a SHA-256 in base64url\n/)
})

test('check finds an index that disagrees with its rows, for people and for scripts', async () => {
  const path = makeSessionFile(4)
  damageIndex(path)
  const run = await check(path)
  assert.is(run.code, 65)
  assert.match(run.out, /^file: row \d+ missing from index sessions_by_sweep\n/)
  const lines = (await check(path, '--json')).out
    .trim()
    .split('\n')
    .map((line): unknown => JSON.parse(line))
  assert.equal(lines.at(-1), { sessions: 4, tombstones: 0, findings: lines.length - 1 })
  assert.equal(
    lines.slice(0, 1).map((line) => Object.keys(line as object)),
    [['kind', 'id', 'rule']],
  )
})

test('check finds a missing index and a trigger on a table of ours, and leaves tables of others alone', async () => {
  const path = makeSessionFile(1)
  tamper(
    path,
    `drop index sessions_by_sub;
     create trigger meddling after insert on sessions begin delete from sessions; end;
     create table _litestream_seq (id integer primary key, seq integer)`,
  )
  const { out } = await check(path)
  assert.is(
    out.replace(/^\d+ sessions?,.*\n/m, ''),
    'schema sessions_by_sub: is missing\n' +
      'schema meddling: is on a table of Coatcheck, and none of its own\n',
  )
})

test('check of a damaged file exits 65', async () => {
  const path = makeSessionFile(200)
  const bytes = readFileSync(path)
  bytes.fill(0xff, 3 * 4096, 6 * 4096)
  writeFileSync(path, bytes)
  const { code, stderr } = await runServer(['check', '--data', path])
  assert.is(code, 65)
  assert.match(stderr, 'the file is damaged')
})

test('check beside a server that writes, twice at once, finds nothing wrong', async () => {
  const path = makeSessionFile(5_000)
  const server = await spawnServer(['--data', path])
  let isDone = false
  const write = async (): Promise<void> => {
    while (!isDone) {
      const answer = await fetch(`${server.url}/session/k`, { method: 'PUT', body: '1' })
      assert.is(answer.status, 204)
    }
  }
  const writing = write()
  const runs = await Promise.all([1, 2].map(() => runServer(['check', '--data', path])))
  isDone = true
  await writing
  server.kill('SIGTERM')
  await server.ended
  assert.equal(
    runs.map(({ code, stdout }) => [code, /nothing is wrong/.test(stdout)]),
    [
      [0, true],
      [0, true],
    ],
  )
})

test('check on a full disk goes on, or says so', async () => {
  const { folder, unmount } = openSmallDisk(400)
  const path = makeSessionFile(200, { path: join(folder, 'sessions.db') })
  try {
    writeFileSync(join(folder, 'filler'), Buffer.alloc(1_000_000))
  } catch {
    // That is what it is for.
  }
  const { code } = await runServer(['check', '--data', path])
  unmount()
  assert.ok(code === 0 || code === 74, String(code))
})

function check(path: string, ...flags: string[]): Promise<HereRun> {
  return runHere(checkCommand, [...flags, '--data', path])
}

test.run()
