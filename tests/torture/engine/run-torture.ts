import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PROGRAM, type RunningServer, spawnServer } from '../../kit/process/spawn-server.ts'
import type { Cluster } from '../../kit/postgres/cluster.ts'
import { type Breakage, breakProgram } from './server/breakage.ts'
import { memberOnFile, membersOnDatabase } from './server/members.ts'
import { createRandom } from './random.ts'
import type { Finding, Torture } from '../torture.ts'

export type RunOptions = {
  readonly seed: number
  readonly seconds: number
  /** Where this run is a control: the way in which the program is broken. */
  readonly breakage?: Breakage
  /** Where this run is of two servers on one database: of which cluster. */
  readonly cluster?: Cluster
}

/** Runs a torture to its end, and ends every server that it started. */
export async function runTorture(torture: Torture, options: RunOptions): Promise<Finding> {
  const { seed, seconds, breakage, cluster } = options
  const { program, env } =
    breakage === undefined ? { program: PROGRAM, env: {} } : breakProgram(breakage)
  const folder = mkdtempSync(join(tmpdir(), 'coatcheck-torture-'))
  const servers: RunningServer[] = []
  let finding: Finding | undefined
  try {
    const members = cluster ? await membersOnDatabase(cluster, folder) : memberOnFile(folder)
    finding = await torture.run({
      random: createRandom(seed),
      endsAt: performance.now() + seconds * 1000,
      folder,
      members,
      async spawn(args, under = []) {
        const server = await spawnServer(args, env, under, program)
        servers.push(server)
        return server
      },
    })
    return finding
  } finally {
    for (const server of servers) server.kill('SIGKILL')
    await Promise.all(servers.map((server) => server.ended))
    if (finding?.violations.length === 0 || breakage !== undefined) {
      rmSync(folder, { recursive: true, force: true })
    }
  }
}
