// A pgbouncer of a test's own before a server, in transaction mode.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import { makeFolder } from '../process/spawn-server.ts'
import { freePort, unprivilegedUser, until } from './cluster.ts'

export type Pooler = { readonly port: number; stop(): Promise<void> }

/** Debian's and most others' places of it; undefined where it is not installed. */
export function findPgbouncer(): string | undefined {
  return ['/usr/sbin/pgbouncer', '/usr/bin/pgbouncer'].find((path) => existsSync(path))
}

/** Before the server on this port of the loopback; everybody is let in, as whom they say they are. */
export async function startPgbouncer(
  program: string,
  serverPort: number,
  poolSize = 10,
): Promise<Pooler> {
  const folder = makeFolder()
  chmodSync(folder, 0o755)
  const port = await freePort()
  const users = join(folder, 'users.txt')
  writeFileSync(users, '"coat" ""\n')
  const file = join(folder, 'pgbouncer.ini')
  const settings = [
    '[databases]',
    `* = host=127.0.0.1 port=${serverPort}`,
    '[pgbouncer]',
    'listen_addr = 127.0.0.1',
    `listen_port = ${port}`,
    'unix_socket_dir =',
    'auth_type = trust',
    `auth_file = ${users}`,
    'pool_mode = transaction',
    `default_pool_size = ${poolSize}`,
    'max_client_conn = 200',
    'server_login_retry = 1',
    'server_idle_timeout = 2',
  ]
  writeFileSync(file, `${settings.join('\n')}\n`)
  const child = spawn(program, ['-q', file], { ...unprivilegedUser(), stdio: 'ignore' })
  const ended = once(child, 'exit')
  await until(async () => {
    const client = new pg.Client({ host: '127.0.0.1', port, user: 'coat', database: 'postgres' })
    await client.connect()
    await client.end()
  })
  return {
    port,
    async stop() {
      child.kill('SIGKILL')
      await ended
    },
  }
}
