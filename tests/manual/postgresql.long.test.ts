/** What the page on PostgreSQL tells to type, typed, on a cluster of the test's own; and the words of its tables. */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { readPage, ROOT, sectionOf } from '../kit/manual/page.ts'
import { runPage } from '../kit/manual/run-page.ts'
import { findPostgres, startCluster } from '../kit/postgres/cluster.ts'
import { PROGRAM } from '../kit/process/spawn-server.ts'
import { skip } from '../kit/runner/skip.ts'

const test = suite('manual: postgresql')

const page = readPage('postgresql.md')

test('what the page tells to type does what it says', async () => {
  const bin = findPostgres()
  if (bin === undefined) return skip('postgresql is not installed')
  const cluster = await startCluster(bin)
  await cluster.query('create role coatcheck login')
  await cluster.query('create database coatcheck owner coatcheck')
  const count = await runPage(page, {
    replace: { '127.0.0.1:5432': `127.0.0.1:${cluster.port}` },
    prepare(folder) {
      // The file that is moved.
      const [command = '', ...program] = PROGRAM
      const input = '{"id":"moved","idleTimeoutMs":1800000,"lifetimeMs":3600000}'
      const made = spawnSync(command, [...program, 'import'], { cwd: folder, input })
      assert.is(made.status, 0, String(made.stderr))
    },
  })
  await cluster.stop()
  assert.equal([count.servers, count.ran, count.compared], [1, 2, 2])
})

test('each weakness and each word for the storage is one of the code, and none is left out', () => {
  const weaknesses = /export type Weakness =\n([^]*?)\n\nexport/.exec(
    readFileSync(join(ROOT, 'lib/store-postgres/checks.ts'), 'utf8'),
  )
  const health = readFileSync(join(ROOT, 'lib/store-postgres/health.ts'), 'utf8')
  const names = (text: string) =>
    [...text.matchAll(/'([a-z]+(?:_[a-z]+)+)'/g)].map(([, name]) => name)
  const rows = (heading: string) =>
    [...sectionOf(page, heading).matchAll(/^\| `([a-z_]+)` /gm)].map(([, name]) => name)
  assert.equal(rows('## What is promised').toSorted(), names(weaknesses?.[1] ?? '').toSorted())
  const [, ...words] = rows('## When the database is away')
  assert.equal(words.toSorted(), names(health).toSorted())
})

test.run()
