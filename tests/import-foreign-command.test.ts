import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { importCommand } from '../lib/commands/import.ts'
import { listCommand } from '../lib/commands/list.ts'
import { showCommand } from '../lib/commands/show.ts'
import { DAY, HOUR, MINUTE } from './support/memory-store.ts'
import { runHere } from './support/run-here.ts'
import { idOf, idsIn, makeSessionFile } from './support/session-file.ts'

const test = suite('import of foreign dumps')

const NOW = Date.UTC(2026, 0, 1)

test('one wrong value in an object of many leaves the others be', async () => {
  const { path, out, err } = await importFrom('connect-redis', {
    [`sess:${idOf(1)}`]: {},
    'queue:7': 'of another program',
    [`sess:${idOf(2)}`]: [],
    [`sess:${idOf(3)}`]: {},
  })
  assert.match(out, /^Imported 2; .* and 2 wrong\n$/)
  assert.match(err, /^Line 1: .*its key must be sess:.*\nLine 1: .*its value must be a JSON object/)
  assert.equal(idsIn(path), [idOf(1), idOf(3)])
})

test('with --strict what came before the wrong value of an object stays', async () => {
  const dump = { [`sess:${idOf(1)}`]: {}, x: {}, [`sess:${idOf(2)}`]: {} }
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

async function importFrom(store: string, dump: object | string, ...flags: string[]) {
  const path = makeSessionFile(0)
  const text = typeof dump === 'string' ? dump : JSON.stringify(dump)
  const args = ['--from', store, ...flags, '--data', path]
  const run = await runHere(importCommand, args, { stdin: bytesOf(text) })
  return { path, ...run }
}

async function expiryOf(path: string, id: string): Promise<number> {
  const { out } = await runHere(showCommand, [id, '--data', path])
  const { expiresAt }: { expiresAt: string } = JSON.parse(out)
  return Date.parse(expiresAt)
}

async function* bytesOf(text: string): AsyncGenerator<Buffer> {
  yield Buffer.from(text)
}

test.run()
