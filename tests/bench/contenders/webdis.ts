import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Contender } from './contender.ts'
import { findProgram } from '../machine/find-program.ts'
import { findFreePort, startProcess, waitForPort } from '../machine/processes.ts'
import { expiringWebdisApi, type SessionApi, webdisApi } from '../data/session-api.ts'
import { findMissingPrograms, type RedisMode, startRedis } from './redis.ts'

export const webdis = createWebdis('webdis', 'Webdis, Redis', 'memory', webdisApi)

export const durableWebdis = createWebdis(
  'webdis-durable',
  'Webdis, Redis appendfsync always',
  'disk',
  webdisApi,
)

export const expiringWebdis = createWebdis(
  'webdis-expiring',
  'Webdis, Redis appendfsync always, GETEX/SETEX',
  'disk',
  expiringWebdisApi,
)

function createWebdis(name: string, title: string, keptIn: RedisMode, api: SessionApi): Contender {
  return {
    name,
    title,
    keptIn,
    api,
    findMissing: () =>
      Promise.resolve(findMissingPrograms({ 'redis-server': 'redis-server', webdis: 'webdis' })),
    async start(setting) {
      const { cores, folder, add } = setting
      const redisPort = await startRedis(setting, keptIn)
      const port = await findFreePort()
      const file = join(folder, 'webdis.json')
      writeFileSync(file, JSON.stringify(settingsOf(redisPort, port, folder)))
      const command = [findProgram('webdis') ?? 'webdis', file]
      await waitForPort(add(startProcess(command, { cores, folder })), port)
      return port
    },
  }
}

/** As Debian sets it up, but without a line in the log for each request. */
function settingsOf(redisPort: number, port: number, folder: string) {
  return {
    redis_host: '127.0.0.1',
    redis_port: redisPort,
    http_host: '127.0.0.1',
    http_port: port,
    threads: 2,
    daemonize: false,
    database: 0,
    acl: [{ disabled: ['DEBUG'] }],
    verbosity: 0,
    logfile: join(folder, 'webdis.log'),
  }
}
