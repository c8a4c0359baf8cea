/** The database behind several peers; a process of each of them, and counted with it. */
import type { Setting } from './contender.ts'
import { findProgram } from '../machine/find-program.ts'
import { findFreePort, startProcess, waitForPort } from '../machine/processes.ts'

export type RedisMode = 'disk' | 'memory'

/** Without snapshots and rewrites, which would come in the middle of a round. */
const QUIET = ['--save', '', '--auto-aof-rewrite-percentage', '0']

/** Resolves with its port. */
export async function startRedis(
  { cores, folder, add }: Pick<Setting, 'cores' | 'folder' | 'add'>,
  keptIn: RedisMode,
): Promise<number> {
  const port = await findFreePort()
  const durable = ['--appendonly', 'yes', '--appendfsync', 'always']
  const command = [
    findProgram('redis-server') ?? 'redis-server',
    ...['--bind', '127.0.0.1', '--port', String(port), '--dir', folder],
    ...QUIET,
    ...(keptIn === 'disk' ? durable : ['--appendonly', 'no']),
  ]
  await waitForPort(add(startProcess(command, { cores })), port)
  return port
}

/** Which Debian packages bring the programs that are missing; undefined where none is. */
export function findMissingPrograms(
  packages: Readonly<Record<string, string>>,
): string | undefined {
  const missing = Object.entries(packages).filter(([name]) => findProgram(name) === undefined)
  if (missing.length === 0) return undefined
  return `it needs apt-get install ${missing.map(([, debianPackage]) => debianPackage).join(' ')}`
}
