/**
 * Two servers on one database behind HAProxy with the file of the manual, restarted in turn under load: every
 * answer is one of a server that runs, and all that was acknowledged is there.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { openConnection } from '../kit/clients/raw-http.ts'
import { readPage } from '../kit/manual/page.ts'
import { findPostgres, startCluster, until } from '../kit/postgres/cluster.ts'
import { API_KEY } from '../kit/process/open-server.ts'
import { makeFolder, type RunningServer, spawnServer } from '../kit/process/spawn-server.ts'
import { findHaproxy, startHaproxy } from '../kit/proxies/haproxy.ts'
import { findFreePort } from '../kit/proxies/listening-process.ts'
import { skip } from '../kit/runner/skip.ts'
import {
  createSessionClient,
  type SessionClient,
  shownState,
} from '../torture/engine/clients/session-client.ts'
import { createRandom } from '../torture/engine/random.ts'

const test = suite('rolling restart')

const CLIENTS = 16

test('servers that are restarted in turn behind HAProxy refuse nothing, and lose nothing', async () => {
  await withLoad(async ({ url, servers }, { clients, stop }) => {
    for (let round = 0; round < 3; round++) {
      for (const server of servers) assert.is(await server.restart('SIGTERM'), 0)
    }
    assert.equal(await stop(), [])
    assert.equal(await findLost(url, clients), [])
  })
})

test('a server that is killed behind HAProxy refuses what was under way', async () => {
  await withLoad(async ({ servers }, { stop }) => {
    for (const server of servers) await server.restart('SIGKILL')
    assert.ok((await stop()).length > 0)
  })
})

test.run()

async function withLoad(run: (site: Site, load: Load) => Promise<void>): Promise<void> {
  const site = await openSite()
  const load = startLoad(site.url)
  try {
    await run(site, load)
  } finally {
    await load.stop()
    await site.close()
  }
}

type Load = {
  readonly clients: readonly SessionClient[]
  /** Resolves with what was not acknowledged. */
  stop(): Promise<string[]>
}

/** Holders and back ends, each on a connection that stays open. */
function startLoad(url: string): Load {
  const random = createRandom(1)
  const clients = Array.from({ length: CLIENTS }, (_, n) =>
    createSessionClient({ name: `client-${n}`, key: API_KEY, random: random.fork() }),
  )
  const refused: string[] = []
  let isOver = false

  async function ask(client: SessionClient): Promise<void> {
    const connection = openConnection(url)
    while (!isOver) {
      const { outcome, line, heard } = await client.step(connection)
      if (outcome !== 'acknowledged') refused.push(`${line}: ${heard}`)
    }
    connection.close()
  }

  const asking = clients.map(ask)
  return {
    clients,
    async stop() {
      isOver = true
      await Promise.all(asking)
      return refused
    },
  }
}

/** The sessions that are not as the last acknowledgement left them. */
async function findLost(url: string, clients: readonly SessionClient[]): Promise<string[]> {
  const connection = openConnection(url)
  const lost: string[] = []
  let looked = 0
  for (const { known, cookies } of clients) {
    for (const [id, state] of known) {
      const answer = await connection.ask('GET /session', { cookie: cookies.get(id) ?? '' })
      const shown = answer ? shownState(answer) : 'no answer'
      if (shown !== state) lost.push(`${id} is ${shown}, must be ${state}`)
      looked++
    }
  }
  connection.close()
  assert.ok(looked > CLIENTS, `${looked} sessions`)
  return lost
}

type Site = {
  readonly url: string
  readonly servers: readonly {
    /** Resolves with its exit code, once it is up again and HAProxy knows. */
    restart(signal: NodeJS.Signals): Promise<number | null>
  }[]
  close(): Promise<void>
}

async function openSite(): Promise<Site> {
  findHaproxy()
  const bin = findPostgres() ?? skip('postgresql is not installed')
  const { configuration, flags } = readManual()
  const cluster = await startCluster(bin)
  const store = `postgres://coat@127.0.0.1:${cluster.port}/${await cluster.createDatabase()}`
  const keyPath = join(makeFolder(), 'api-key')
  writeFileSync(keyPath, `${API_KEY}\n`, { mode: 0o600 })
  const ports = [await findFreePort(), await findFreePort()] as const
  const statePort = await findFreePort()
  const start = (port: number) =>
    spawnServer(['--store', store, '--api-key-file', keyPath, '--port', String(port), ...flags])

  const running: RunningServer[] = []
  for (const port of ports) running.push(await start(port))
  const proxy = await startHaproxy((port) =>
    [
      configuration
        .replace('127.0.0.1:8080', `127.0.0.1:${port}`)
        .replace('127.0.0.1:7377', `127.0.0.1:${ports[0]}`)
        .replace('127.0.0.1:7378', `127.0.0.1:${ports[1]}`),
      'frontend state',
      `  bind 127.0.0.1:${statePort}`,
      '  stats enable',
      '  stats uri /',
      '',
    ].join('\n'),
  )

  async function isUp(name: string): Promise<void> {
    const lines = (await (await fetch(`http://127.0.0.1:${statePort}/;csv`)).text()).split('\n')
    const names = lines[0]?.replace('# ', '').split(',') ?? []
    const state = lines.find((line) => line.startsWith(`coatcheck,${name},`))?.split(',')
    const status = state?.[names.indexOf('status')]
    if (status !== 'UP') throw new Error(`HAProxy has ${name} as ${status}`)
  }

  const servers = ['one', 'two'].map((name, n) => ({
    async restart(signal: NodeJS.Signals) {
      running[n]?.kill(signal)
      const ended = await running[n]?.ended
      running[n] = await start(ports[n] ?? 0)
      await until(() => isUp(name))
      return ended?.code ?? null
    },
  }))
  for (const name of ['one', 'two']) await until(() => isUp(name))
  return {
    url: `http://127.0.0.1:${proxy.port}`,
    servers,
    async close() {
      await proxy.stop()
      for (const server of running) server.kill('SIGKILL')
      await cluster.stop()
    },
  }
}

/** HAProxy's file, and the flags of each server beside its port. */
function readManual(): { readonly configuration: string; readonly flags: readonly string[] } {
  const { blocks } = readPage('postgresql.md')
  const at = blocks.findIndex(({ language }) => language === 'haproxy')
  const lines = blocks[at + 1]?.text.split('\n') ?? []
  const flags = lines.map((line) => /^coatcheck --port 737[78] (.*)$/.exec(line)?.[1] ?? '')
  assert.is(flags.length, 2)
  assert.ok(flags[0])
  assert.is(flags[0], flags[1])
  return { configuration: blocks[at]?.text ?? '', flags: (flags[0] ?? '').split(' ') }
}
