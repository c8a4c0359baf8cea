import { rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { findPostgres, startCluster } from '../../kit/postgres/cluster.ts'
import type { Contender, Setting } from './contender.ts'
import { pinProcess } from '../machine/cores.ts'
import { portOf, startProcess } from '../machine/processes.ts'
import { verifyApi } from '../data/session-api.ts'

/** The contenders that a column of the table holds the others against, where they take part. */
export const PRESENT = 'coatcheck'
export const BEFORE = 'before'
export const ON_STORE = 'on-store'
/** For `--store`: a cluster of the run's own, from Debian's package. */
export const OWN_CLUSTER = 'postgres'

/** Of a database's role; a file needs none. */
const PASSWORD = 'COATCHECK_STORE_PASSWORD'

const HERE = fileURLToPath(new URL('../../..', import.meta.url))

export const coatcheck: Contender = {
  name: PRESENT,
  title: 'Coatcheck',
  ...runFrom(HERE, onFile),
}

/** The same of another checkout, such as one of the commit before a change, with its packages. */
export function coatcheckAt(folder: string): Contender {
  return { name: BEFORE, title: 'Coatcheck before', ...runFrom(folder, onFile) }
}

/** The same on another store: `OWN_CLUSTER`, or the address of a database, which keeps the sessions. */
export function coatcheckOn(store: string): Contender {
  const settingsOf = async (setting: Setting) => [
    '--store',
    store === OWN_CLUSTER ? await startDatabase(setting) : store,
  ]
  return {
    name: ON_STORE,
    title: 'Coatcheck on PostgreSQL',
    ...runFrom(HERE, settingsOf),
    findMissing: () =>
      Promise.resolve(
        store === OWN_CLUSTER && findPostgres() === undefined
          ? 'it needs apt-get install postgresql'
          : undefined,
      ),
  }
}

/** Resolves with the address of an empty database, on the cores of whoever asks it. */
async function startDatabase({ cores, addDatabase }: Setting): Promise<string> {
  const cluster = await startCluster(findPostgres() ?? '')
  const kill = () => cluster.signal('SIGKILL')
  process.once('exit', kill)
  addDatabase({
    pid: cluster.pid,
    async stop() {
      process.off('exit', kill)
      await cluster.stop()
      rmSync(dirname(cluster.folder), { recursive: true, force: true })
    },
  })
  pinProcess(cluster.pid, cores)
  return `postgres://coat@127.0.0.1:${cluster.port}/${await cluster.createDatabase()}`
}

function onFile({ folder }: Setting): Promise<string[]> {
  return Promise.resolve(['--data', join(folder, 'sessions.db')])
}

/** As \`npm start\` runs it there, with the default settings but for where its data is. */
function runFrom(
  checkout: string,
  settingsOf: (setting: Setting) => Promise<string[]>,
): Omit<Contender, 'name' | 'title'> {
  return {
    keptIn: 'disk',
    api: verifyApi,
    findMissing: () => Promise.resolve(undefined),
    async start(setting) {
      const flags = await import(pathToFileURL(join(checkout, 'lib/program/node-flags.js')).href)
      const settings = ['--port', '0', ...(await settingsOf(setting))]
      const command = [
        process.execPath,
        ...flags.nodeFlags,
        join(checkout, 'server.ts'),
        ...settings,
      ]
      const { cores, add } = setting
      const password = process.env[PASSWORD]
      const env = password === undefined ? {} : { [PASSWORD]: password }
      return await portOf(add(startProcess(command, { cores, env })))
    },
  }
}
