/** What a request costs Coatcheck without its store: SQLite's has a session that is used at hand, in memory. */
import { randomInt } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../../../lib/base/clock.ts'
import { getUser, sendAll } from '../../kit/clients/load-client.ts'
import { spawnServer } from '../../kit/process/spawn-server.ts'
import { DAY } from '../../kit/store/limits.ts'
import { cookieOf, fillFile } from '../data/filled-file.ts'
import { readUsage } from '../machine/process-usage.ts'
import { median } from '../table.ts'
import type { Costs } from './costs.ts'

const SESSIONS = 1_000
const DATA_BYTES = 300
const CONNECTIONS = 32
const REQUESTS = 20_000
const ROUNDS = 3

export async function measureHttp(): Promise<Pick<Costs, 'httpUs' | 'bytesPerCoatcheck'>> {
  const folder = mkdtempSync(join(tmpdir(), 'coatcheck-fleet-'))
  const path = join(folder, 'sessions.db')
  const expiresAt = systemClock.now() + DAY
  fillFile({ path, count: SESSIONS, dataBytes: DATA_BYTES, expiresAt, spreadMs: 0 })
  const server = await spawnServer(['--data', path])
  try {
    const costs: number[] = []
    for (let round = 0; round <= ROUNDS; round++) {
      const before = readUsage([server.pid]).cpuUs
      let sent = 0
      const next = () => (sent++ < REQUESTS ? getUser(cookieOf(randomInt(SESSIONS))) : undefined)
      await sendAll(Number(new URL(server.url).port), CONNECTIONS, next)
      // The first round compiles.
      if (round > 0) costs.push((readUsage([server.pid]).cpuUs - before) / REQUESTS)
    }
    return { httpUs: median(costs), bytesPerCoatcheck: readUsage([server.pid]).residentBytes }
  } finally {
    server.kill('SIGTERM')
    await server.ended
    rmSync(folder, { recursive: true, force: true })
  }
}
