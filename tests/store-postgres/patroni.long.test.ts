// Two servers on a database that Patroni keeps, under load, while what may happen to its machines happens.
// `npm run torture -- failover cut-network` does more of it, for as long as it is given.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import {
  disturb,
  type Disturbance,
  killPrimary,
  loseStandby,
  openServers,
  type Service,
  STALE_LIMIT_MS,
  stopPrimary,
  switchOver,
} from '../kit/postgres/disturbances.ts'
import type { Tally } from '../kit/postgres/load.ts'
import { findMissing, startPatroni } from '../kit/postgres/patroni.ts'
import { type RunningServer, spawnServer } from '../kit/process/spawn-server.ts'
import { skip } from '../kit/runner/skip.ts'

const test = suite('fail-over: Patroni')
const missing = findMissing()

if (missing !== undefined) {
  test('a fail-over loses nothing', () => skip(`${missing} is not installed`))
} else {
  const cluster = await startPatroni()
  const running: RunningServer[] = []
  const servers = await openServers(cluster, async (args, under) => {
    const server = await spawnServer(args, {}, under)
    running.push(server)
    return server
  })
  const service: Service = { cluster, servers }
  const tallies: Tally[] = []

  const harmless: Readonly<Record<string, Disturbance>> = {
    'the machine of the primary dies': killPrimary(),
    'the machine of the primary stands still, and goes on when another has taken over': stopPrimary,
    'an operator switches over': switchOver,
    'the machine of a standby is away for some seconds': loseStandby(5_000),
  }
  for (const [what, disturbance] of Object.entries(harmless)) {
    test(`nothing is lost and no log-out is undone where ${what}`, async () => {
      const { lost, surplus, undone, ...tally } = await disturb(service, disturbance, tallies)
      assertBusy(tally)
      assert.equal({ lost, surplus, undone }, { lost: 0, surplus: 0, undone: [] })
      assert.ok(tally.stalestMs < STALE_LIMIT_MS, `${tally.stalestMs} ms`)
    })
  }

  // That the tests above would see it: the same death, where the standbys have not what was acknowledged.
  test('where commits wait for no standby the death of the primary loses what was acknowledged', async () => {
    await cluster.turnAsynchronous()
    const outcome = await disturb(service, killPrimary(100_000), tallies).catch(String)
    if (typeof outcome === 'string') {
      // A session was lost while somebody was about to log it out.
      assert.match(outcome, /The session \S+ was absent/)
    } else {
      assertBusy(outcome)
      assert.ok(outcome.lost > 0, 'no increment was lost')
      assert.ok(outcome.undone.length > 0, 'no log-out was undone')
    }
  })

  test('the servers and the cluster stop', async () => {
    for (const { kill, ended } of running) {
      kill('SIGTERM')
      assert.is((await ended).code, 0)
    }
    await cluster.stop()
  })
}

test.run()

function assertBusy({ counters, loggedOut }: Tally): void {
  for (const { acknowledged } of Object.values(counters)) assert.ok(acknowledged > 10)
  assert.ok(loggedOut.length > 10)
}
