/** The page on speed: what it says of the bench is what the bench takes; each figure has its date. */
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { readPage, ROOT, sectionOf } from '../kit/manual/page.ts'

const test = suite('manual: speed')

const PAGE = readPage('speed.md')

test('every flag of the bench that the page names is in its help', async () => {
  const [asked] = PAGE.blocks.filter(({ notRun }) => notRun === undefined)
  assert.is(asked?.text, 'npm run bench -- --help')
  const { stdout } = await promisify(execFile)('sh', ['-c', asked?.text ?? ''], { cwd: ROOT })
  const named = PAGE.text
    .match(/npm run bench -- [^#`\n]*/g)
    ?.join(' ')
    .match(/--[a-z][a-z-]*/g)
  const unknown = [...new Set(named)].filter((flag) => !stdout.includes(`${flag} `))
  assert.equal(
    unknown.filter((flag) => flag !== '--help'),
    [],
  )
})

test('every script that the page names is there', () => {
  const manifest: { scripts: Record<string, string> } = JSON.parse(
    readFileSync(join(ROOT, 'package.json'), 'utf8'),
  )
  const named = [...PAGE.text.matchAll(/npm run ([\w:]+)/g)].map(([, name = '']) => name)
  assert.equal(
    named.filter((name) => manifest.scripts[name] === undefined),
    [],
  )
})

test('every section with figures has their date', () => {
  for (const heading of PAGE.text.match(/^## .*$/gm) ?? []) {
    const section = sectionOf(PAGE, heading)
    if (/^\| -/m.test(section)) assert.match(section, /\d{4}-\d\d-\d\d/, heading)
  }
})

test.run()
