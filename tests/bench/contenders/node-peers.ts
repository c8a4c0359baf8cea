/** The session packages of Node's frameworks, each in a small program of `peers/`. */
import { join } from 'node:path'
import type { Contender, Setting } from './contender.ts'
import { PEERS_FOLDER } from './peer-packages.ts'
import { portOf, startProcess } from '../machine/processes.ts'
import { cookieApi } from '../data/session-api.ts'
import { findMissingPrograms, startRedis } from './redis.ts'

type NodePeer = Required<Pick<Contender, 'name' | 'title' | 'keptIn'>> & {
  readonly script: string
  /** What its program is told on its command line. */
  readonly argument: (setting: Setting) => Promise<string>
  readonly needsRedis?: true
}

const peers: readonly NodePeer[] = [
  {
    name: 'express-redis',
    title: 'express-session, connect-redis',
    keptIn: 'memory',
    script: 'express-redis.js',
    argument: async (setting) => String(await startRedis(setting, 'memory')),
    needsRedis: true,
  },
  {
    name: 'express-sqlite',
    title: 'express-session, better-sqlite3-session-store',
    keptIn: 'disk',
    script: 'express-sqlite.js',
    argument: ({ folder }) => Promise.resolve(join(folder, 'sessions.db')),
  },
  {
    name: 'fastify',
    title: '@fastify/session',
    keptIn: 'memory',
    script: 'fastify-session.js',
    argument: () => Promise.resolve(''),
  },
  {
    name: 'hono-sessions',
    title: 'hono-sessions',
    keptIn: 'memory',
    script: 'hono-sessions.js',
    argument: () => Promise.resolve(''),
  },
]

/** `findMissingPackages` says why the packages of npm are not there, undefined where they are. */
export function createNodePeers(
  findMissingPackages: () => Promise<string | undefined>,
): readonly Contender[] {
  return peers.map(({ name, title, keptIn, script, argument, needsRedis }) => ({
    name,
    title,
    keptIn,
    api: cookieApi,
    async findMissing() {
      const programs: Record<string, string> = needsRedis ? { 'redis-server': 'redis-server' } : {}
      return findMissingPrograms(programs) ?? (await findMissingPackages())
    },
    async start(setting) {
      const { cores, add } = setting
      const command = [process.execPath, join(PEERS_FOLDER, script), await argument(setting)]
      // Express and others leave debugging aids out of what they serve in production.
      const env = { NODE_ENV: 'production' }
      return await portOf(add(startProcess(command, { cores, env })))
    },
  }))
}
