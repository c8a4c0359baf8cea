/** What the page on hacking tells to type in a clone, typed here. */
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { readPage, ROOT } from '../kit/manual/page.ts'

const test = suite('manual: hacking')

const PAGE = readPage('hacking.md')
const SHELL = PAGE.blocks.filter(({ language }) => language === 'sh')

for (const { text } of SHELL.filter(({ notRun }) => notRun === undefined)) {
  for (const line of text.split('\n')) {
    test(`${line} does what it says`, async () => {
      const { stdout } = await promisify(execFile)('sh', ['-c', line], { cwd: ROOT })
      if (line.startsWith('npm test')) assert.match(stdout, /^[1-9]\d* passed, 0 failed$/m)
    })
  }
}

test('every script that the page names is there', () => {
  const manifest: { scripts: Record<string, string> } = JSON.parse(
    readFileSync(join(ROOT, 'package.json'), 'utf8'),
  )
  const named = [...PAGE.text.matchAll(/npm run ([\w:]+)/g)].map(([, name = '']) => name)
  const missing = [...new Set(named)].filter((name) => manifest.scripts[name] === undefined)
  assert.equal(missing, [])
})

test('the steps of every recipe are numbered from 1', () => {
  const recipes = PAGE.text.split(/^## (?=Add )/m).slice(1)
  assert.is(recipes.length, 9)
  for (const recipe of recipes) {
    const numbers = [...recipe.matchAll(/^(\d+)\. /gm)].map(([, number]) => Number(number))
    assert.equal(
      numbers,
      numbers.map((_, at) => at + 1),
      recipe.split('\n', 1)[0],
    )
  }
})

test.run()
