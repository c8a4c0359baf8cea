import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { importCommand } from '../../lib/commands/import.ts'
import { runHere } from '../kit/process/run-here.ts'
import { idOf, makeSessionFile } from '../kit/store/session-file.ts'

const test = suite('words of an import')

const ID = idOf(1)
const KEY = `sess:${ID}`
const COOKIE = '"cookie":{"originalMaxAge":1000}'
const OWN: readonly string[] = []
const FOREIGN = ['--from', 'connect-redis', '--sub', 'user']

const WRONG: Record<string, readonly [args: readonly string[], text: string, reason: RegExp]> = {
  'a string without quotes': [OWN, 'ada', /needs its quotes, as in "ada" \(column 1\)$/],
  'more levels than any server takes': [OWN, `{"a":${'['.repeat(2_000)}`, /deeper than 1100$/],
  'data over the session limit': [
    OWN,
    `{"id":"${ID}","idleTimeoutMs":1,"lifetimeMs":1,"data":{"a":"${'x'.repeat(70_000)}"}}`,
    /its limit is 65,536 \(COATCHECK_SESSION_LIMIT\)$/,
  ],
  'a key with another prefix': [FOREIGN, `{"key":"s:1","value":{}}`, / \(--prefix\)$/],
  'a user of another kind': [
    FOREIGN,
    JSON.stringify({ [KEY]: `{${COOKIE},"user":[]}` }),
    /it is array \(--sub\)$/,
  ],
  'an id of a dashboard': [
    OWN,
    '{"id":"dashboard-0123456789","idleTimeoutMs":1,"lifetimeMs":1}',
    /"id" must not begin with "dashboard-"$/,
  ],
  'a key that is an id of a dashboard': [
    FOREIGN,
    JSON.stringify({ 'sess:dashboard-0123456789': `{${COOKIE}}` }),
    /its key must not begin with "dashboard-"$/,
  ],
  'claims that no header can carry': [
    FOREIGN,
    JSON.stringify({ [KEY]: `{${COOKIE},"user":" ada"}` }),
    /leave it out where the user is not known$/,
  ],
}

for (const [what, [args, text, reason]] of Object.entries(WRONG)) {
  test(`${what}: the reason ends in words of the import, and none of HTTP`, async () => {
    const path = makeSessionFile(0)
    const { err } = await runHere(importCommand, [...args, '--data', path], {
      stdin: bytesOf(text),
    })
    const [line = ''] = err.split('\n')

    assert.match(line, reason)
    assert.not.match(line, /curl|-d '|\?default|\/session|If-|(?:PUT|POST) /)
    for (const [flag] of line.matchAll(/--[a-z-]+/g)) {
      assert.ok(Object.hasOwn(importCommand.options ?? {}, flag.slice(2)), flag)
    }
  })
}

test.run()

async function* bytesOf(text: string): AsyncGenerator<Buffer> {
  yield Buffer.from(text)
}
