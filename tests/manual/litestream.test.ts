/** The page on Litestream, which is not run here: its settings are YAML, its blocks say why. */
import { spawnSync } from 'node:child_process'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { readPage } from '../kit/manual/page.ts'
import { findProgram } from '../kit/proxies/proxy-process.ts'

const test = suite('manual: litestream')

const { blocks } = readPage('litestream.md')

test('every block says why it is not run', () => {
  assert.equal(
    blocks.filter(({ notRun }) => notRun === undefined),
    [],
  )
})

test('the settings are YAML about one file', () => {
  const [settings] = blocks.filter(({ language }) => language === 'yaml')
  const python = findProgram('python3', ['-c', 'import yaml'])
  const code = 'import sys, yaml, json; print(json.dumps(yaml.safe_load(sys.stdin)))'
  const read = spawnSync(python, ['-c', code], { input: settings?.text, encoding: 'utf8' })
  assert.is(read.status, 0, read.stderr)
  const { dbs }: { dbs: { path: string }[] } = JSON.parse(read.stdout)
  assert.equal(
    dbs.map(({ path }) => path),
    ['/var/lib/coatcheck/sessions.db'],
  )
})

test.run()
