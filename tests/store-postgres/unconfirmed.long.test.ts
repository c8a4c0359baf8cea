// Commits that no standby confirms, and that the database answers all the same.
import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync } from 'node:fs'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { makeFolder } from '../kit/process/spawn-server.ts'
import { type Cluster, findPostgres, startCluster, until } from '../kit/postgres/cluster.ts'
import { INCREMENT } from '../kit/postgres/load.ts'
import { openAt } from '../kit/postgres/open-postgres-store.ts'
import { codeOf } from '../kit/runner/code-of.ts'
import { skip } from '../kit/runner/skip.ts'
import { sessionAt } from '../kit/store/session-at.ts'

const test = suite('unconfirmed commits: PostgreSQL')
const bin = findPostgres()

if (bin === undefined) {
  test('what no standby has is not acknowledged', () => skip('postgresql is not installed'))
} else {
  test('a commit that an operator cancels is not acknowledged', async () => {
    await tryToCancel(await startCluster(bin))
  })

  // A server says in its own language that something is a warning.
  test('a warning in German is a warning', async () => {
    const locales = makeGerman()
    const cluster = await startCluster(bin, ['lc_messages=de_DE.UTF-8'], {
      environment: { LOCPATH: locales },
    })
    const [[said] = []] = await cluster.query("select current_setting('lc_messages')")
    assert.is(said, 'de_DE.UTF-8')
    await tryToCancel(cluster)
  })
}

test.run()

async function tryToCancel(cluster: Cluster): Promise<void> {
  const address = `postgres://coat@127.0.0.1:${cluster.port}/${await cluster.createDatabase()}`
  const { store, clock } = await openAt(address)
  await store.insert(sessionAt(clock.now(), { id: 'counter' }))
  // There is no such standby.
  await cluster.set('synchronous_standby_names', "'nobody'")
  const changed = store.change('counter', clock.now(), INCREMENT).then(({ state }) => state, codeOf)
  await until(async () => {
    const cancelled = await cluster.query(
      `select pg_cancel_backend(pid) from pg_stat_activity
       where application_name = 'coatcheck writer' and wait_event = 'SyncRep'`,
    )
    if (cancelled.length === 0) throw new Error('It does not wait yet')
  })
  const startedAt = performance.now()
  assert.is(await changed, 'outcome_unknown')
  // It was told, and not only waited for.
  assert.ok(performance.now() - startedAt < 3_000)
  await cluster.set('synchronous_standby_names', "''")
  await until(() => store.change('counter', clock.now(), INCREMENT))
  await store.close()
  await cluster.stop()
}

/** A folder of locales, for `LOCPATH`; skips where it cannot be made. */
function makeGerman(): string {
  if (!existsSync('/usr/share/locale/de/LC_MESSAGES')) skip('there are no German messages')
  const folder = makeFolder()
  chmodSync(folder, 0o755)
  const args = ['-i', 'de_DE', '-f', 'UTF-8', join(folder, 'de_DE.UTF-8')]
  const { error, status } = spawnSync('localedef', args, { stdio: 'ignore' })
  if (error !== undefined || status !== 0) skip('the German locale cannot be made')
  return folder
}
