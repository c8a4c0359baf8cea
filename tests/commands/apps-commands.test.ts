import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Command } from '../../lib/commands/command.ts'
import { endCommand } from '../../lib/commands/end.ts'
import { exportCommand } from '../../lib/commands/export.ts'
import { importCommand } from '../../lib/commands/import.ts'
import { listCommand } from '../../lib/commands/list.ts'
import { showCommand } from '../../lib/commands/show.ts'
import { statsCommand } from '../../lib/commands/stats.ts'
import { runHere } from '../kit/process/run-here.ts'
import { idOf, idsIn, makeSessionFile, tamper } from '../kit/store/session-file.ts'

const test = suite('apps in commands')

const NOW = Date.UTC(2026, 0, 1)
const LIMITS = '"idleTimeoutMs":1800000,"lifetimeMs":3600000'

/** Of 12 sessions the first three are the shop's, the next three those of an app whose name begins alike. */
const SHOP = [0, 1, 2].map((n) => `shop~${idOf(n)}`)
const SHOP_B = [3, 4, 5].map((n) => `shop-b~${idOf(n)}`)
const NAMELESS = [6, 7, 8, 9, 10, 11].map(idOf)

function makeFileWithApps(): string {
  const path = makeSessionFile(12, { now: NOW })
  tamper(path, `update sessions set id = 'shop~' || id where number <= 3`)
  tamper(path, `update sessions set id = 'shop-b~' || id where number between 4 and 6`)
  return path
}

async function run(command: Command, ...words: string[]) {
  return await runHere(command, words)
}

test('an app of a name that none can have selects nothing, and is a usage error', async () => {
  const path = makeFileWithApps()
  for (const command of [listCommand, endCommand, exportCommand]) {
    for (const app of ['', 'Shop', 'shop~', '-', '%', 'a'.repeat(33)]) {
      const { refusal } = await run(command, `--app=${app}`, '--data', path)
      assert.match(refusal, '--app must be 1 to 32 of a-z 0-9 -, a dash not first', app)
    }
  }
  for (const words of [
    ['--app', 'shop', '--all'],
    [idOf(9), '--app', 'shop'],
    ['--app', 'shop', '--sub='],
  ]) {
    const { refusal } = await run(endCommand, ...words, '--data', path)
    assert.match(refusal, 'Cannot tell which sessions to end', words.join(' '))
  }
  assert.is(idsIn(path).length, 12)
})

test('list and export show those of one app, or those of all by their full ids', async () => {
  const path = makeFileWithApps()
  const listed = async (...words: string[]) => {
    const { out } = await run(listCommand, ...words, '--data', path)
    return out
      .split('\n')
      .map((line) => line.split('\t')[0])
      .filter((id) => id !== '')
  }
  assert.equal(await listed(), [...SHOP, ...SHOP_B, ...NAMELESS])
  assert.equal(await listed('--app', 'shop'), SHOP)
  assert.equal(await listed('--app', 'shop-b', '--sub', 'user-0'), [SHOP_B[0]])
  assert.equal(await listed('--app', 'sho'), [])
  const { out } = await run(exportCommand, '--app', 'shop', '--data', path)
  assert.equal(
    out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line).id),
    SHOP,
  )
  const shown = await run(showCommand, SHOP[1] ?? '', '--data', path)
  assert.is(JSON.parse(shown.out).id, SHOP[1])
  const other = await run(showCommand, idOf(1), '--data', path)
  assert.is(other.code, 67)
})

test('end ends those of one app, of one user in it, or one by its full id', async () => {
  const path = makeFileWithApps()
  const end = async (...words: string[]) =>
    (await run(endCommand, ...words, '--json', '--data', path)).out
  assert.is(await end(SHOP_B[2] ?? ''), '{"ended":1}\n')
  assert.is(await end('--app', 'shop', '--sub', 'user-1'), '{"ended":1}\n')
  assert.equal(idsIn(path), [SHOP[0], SHOP[2], SHOP_B[0], SHOP_B[1], ...NAMELESS])
  assert.is(await end('--app', 'shop'), '{"ended":2}\n')
  assert.equal(idsIn(path), [SHOP_B[0], SHOP_B[1], ...NAMELESS])
  assert.is(await end('--app', 'shop'), '{"ended":0}\n')
  assert.is(await end('--all'), '{"ended":8}\n')
})

test('an export is imported with its apps, and a line of a wrong full id is told', async () => {
  const { out } = await run(exportCommand, '--data', makeFileWithApps())
  const path = makeSessionFile(0)
  const wrong = ['Shop~', '~', 'a~b~', 'shop~\\u0007'].map(
    (app) => `{"id":"${app}${idOf(1)}",${LIMITS}}`,
  )
  const text = [...wrong, out].join('\n')
  const stdin = (async function* () {
    yield Buffer.from(text)
  })()
  const imported = await runHere(importCommand, ['--data', path], { stdin })
  assert.match(imported.out, 'Imported 12; left out 0 that were there, 0 expired and 4 wrong')
  assert.match(
    imported.err,
    /^Line 1: .*"id" must be 1 to 128 .*, after APP~ where it is in an app/,
  )
  assert.equal(idsIn(path), [...SHOP, ...SHOP_B, ...NAMELESS])
})

test('stats names the apps with the most sessions', async () => {
  const path = makeFileWithApps()
  await run(endCommand, SHOP[0] ?? '', '--data', path)
  const { topApps } = JSON.parse((await run(statsCommand, '--json', '--data', path)).out)
  assert.equal(topApps, [
    { app: 'shop-b', sessions: 3 },
    { app: 'shop', sessions: 2 },
  ])
  assert.match((await run(statsCommand, '--data', path)).out, /shop-b +3\n {2}shop +2\n/)
})

test.run()
