import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type Cluster, findPostgres, startCluster } from '../../kit/postgres/cluster.ts'
import { skip } from '../../kit/runner/skip.ts'
import { type RunOptions, runTorture } from './run-torture.ts'
import type { Torture } from '../torture.ts'
import { tortures } from '../tortures.ts'

export type Times = { readonly seconds: number; readonly controlSeconds?: number }

/**
 * The tests of one torture: that it holds for a while, and that it notices each way in which its
 * promise can be broken, which is to say within `controlSeconds`. The seed is always the same.
 */
export function testTorture(name: string, times: Times): void {
  const torture = findTorture(name)
  const test = suite(`torture ${name}`)
  addTests(test, torture, { ...times, breakages: torture.breakages, where: async () => ({}) })
  test.run()
}

/** The same of two servers that share a database. */
export function testTorturesOnDatabase(timesOf: Readonly<Record<string, Times>>): void {
  let cluster: Promise<Cluster> | undefined

  async function where(): Promise<{ cluster: Cluster }> {
    cluster ??= startCluster(findPostgres() ?? skip('postgresql is not installed'))
    return { cluster: await cluster }
  }

  for (const [name, times] of Object.entries(timesOf)) {
    const torture = findTorture(name)
    const test = suite(`torture ${name}, two servers on PostgreSQL`)
    addTests(test, torture, { ...times, breakages: torture.databaseBreakages ?? {}, where })
    test.run()
  }
  const end = suite('PostgreSQL ends')
  end('the cluster stops', async () => await (await cluster)?.stop())
  end.run()
}

type Tests = Times & {
  readonly breakages: Torture['breakages']
  readonly where: () => Promise<Pick<RunOptions, 'cluster'>>
}

function addTests(
  test: ReturnType<typeof suite>,
  torture: Torture,
  { seconds, controlSeconds = seconds, breakages, where }: Tests,
): void {
  test(`${torture.about}: in vain`, async () => {
    const { violations } = await runTorture(torture, { seed: 1, seconds, ...(await where()) })
    assert.equal(violations.slice(0, 5), [])
  })

  // What is inside the binary cannot be broken; which program it is makes no difference to a control.
  const ways = process.env['TEST_BINARY'] === undefined ? Object.entries(breakages) : []
  for (const [way, breakage] of ways) {
    test(`it notices a server that was broken: ${way}`, async () => {
      const options = { seed: 1, seconds: controlSeconds, breakage, ...(await where()) }
      const { violations } = await runTorture(torture, options)
      assert.ok(violations.length > 0, 'it has noticed nothing')
    })
  }
}

function findTorture(name: string): Torture {
  const torture = tortures.get(name)
  if (torture === undefined) throw new Error(`There is no torture "${name}"`)
  return torture
}
