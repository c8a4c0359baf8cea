/** Prometheus itself: its checks of the text and the rules, and a server that scrapes a running Coatcheck. */
import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { openClient } from '../kit/clients/http-client.ts'
import { findProgram, startProxy } from '../kit/proxies/proxy-process.ts'
import { makeFolder, runServer, spawnServer } from '../kit/process/spawn-server.ts'

const test = suite('metrics: Prometheus')

const FOLDER = resolve('lib/manual/prometheus')
const SCRAPES = 4
const SCRAPE_MS = 1_000

test('promtool has nothing to say of the text', async () => {
  const promtool = findProgram('promtool', ['--version'])
  const { server, key } = await startCounted()
  const read = async (accept: string) =>
    await (
      await fetch(`${server.url}/metrics`, { headers: { authorization: `Bearer ${key}`, accept } })
    ).text()
  const checked = spawnSync(promtool, ['check', 'metrics'], { input: await read('text/plain') })
  assert.equal([checked.status, String(checked.stdout) + String(checked.stderr)], [0, ''])
  const broken = spawnSync(promtool, ['check', 'metrics'], { input: 'a_total{ 1\n' })
  assert.not.equal(broken.status, 0)
  server.kill('SIGTERM')
  await server.ended
})

test('promtool takes the rules, and each alert fires and stays silent as its test says', () => {
  const promtool = findProgram('promtool', ['--version'])
  for (const args of [
    ['check', 'rules', 'alerts.yml'],
    ['test', 'rules', 'alerts.test.yml'],
  ]) {
    const { status, stdout, stderr } = spawnSync(promtool, args, { cwd: FOLDER })
    assert.is(status, 0, String(stdout) + String(stderr))
  }
  const rules = [...readFileSync(join(FOLDER, 'alerts.yml'), 'utf8').matchAll(/- alert: (\w+)/g)]
  const tested = readFileSync(join(FOLDER, 'alerts.test.yml'), 'utf8')
  for (const [, name = ''] of rules) {
    for (const what of ['fires', 'stays silent']) assert.match(tested, `name: ${name} ${what}`)
  }
})

test('Prometheus scrapes it, and every expression of the board and of the rules has an answer', async () => {
  findProgram('promtool', ['--version'])
  const { server, key } = await startCounted()
  const prometheus = await startPrometheus(server.url, key)
  const client = openClient(server.url)
  const api = `http://127.0.0.1:${prometheus.port}/api/v1`
  const endsAt = performance.now() + 30_000
  let scrapes = 0
  while (scrapes < SCRAPES && performance.now() < endsAt) {
    await makeTraffic(client, key)
    await sleep(SCRAPE_MS)
    const [count] = await ask(api, 'count_over_time(up{job="coatcheck"}[1m])')
    scrapes = Number(count?.value[1] ?? 0)
  }
  const [up] = await ask(api, 'up{job="coatcheck"}')
  assert.is(up?.value[1], '1', prometheus.logged())

  for (const { title, expr } of boardExpressions()) {
    const found = await ask(api, expr)
    assert.ok(found.length > 0, `the panel "${title}" is empty: ${expr}`)
    assert.ok(
      found.every(({ value }) => value[1] !== 'NaN'),
      `"${title}" is no number: ${expr}`,
    )
  }
  const response: { data: { groups: { rules: { name: string; health: string }[] }[] } } =
    JSON.parse(await (await fetch(`${api}/rules`)).text())
  const rules = response.data.groups.flatMap((group) => group.rules)
  assert.ok(rules.length >= 9)
  assert.equal(
    rules.filter(({ health }) => health !== 'ok'),
    [],
  )
  // As OpenMetrics: only that has units.
  const metadata: { data: Record<string, { unit: string }[]> } = JSON.parse(
    await (await fetch(`${api}/metadata?metric=coatcheck_commit_duration_seconds`)).text(),
  )
  assert.is(metadata.data['coatcheck_commit_duration_seconds']?.[0]?.unit, 'seconds')

  client.close()
  await prometheus.stop()
  server.kill('SIGTERM')
  await server.ended
})

test.run()

/** A server, and a key that may read its metrics and nothing else. */
async function startCounted() {
  const path = join(makeFolder(), 'sessions.db')
  const server = await spawnServer(['--data', path])
  const made = await runServer(['key', 'new', 'prometheus', '--scope', 'metrics', '--data', path])
  return { server, key: made.stdout.trim() }
}

function startPrometheus(url: string, key: string) {
  return startProxy({
    name: 'prometheus',
    probe: ['--version'],
    setUp(folder, port) {
      writeFileSync(join(folder, 'key'), key, { mode: 0o600 })
      const config = {
        global: { scrape_interval: '1s', evaluation_interval: '1s' },
        rule_files: [join(FOLDER, 'alerts.yml')],
        scrape_configs: [
          {
            job_name: 'coatcheck',
            authorization: { credentials_file: join(folder, 'key') },
            static_configs: [{ targets: [new URL(url).host] }],
          },
        ],
      }
      return {
        // JSON is YAML.
        files: { 'prometheus.yml': JSON.stringify(config) },
        args: [
          `--config.file=${join(folder, 'prometheus.yml')}`,
          `--storage.tsdb.path=${join(folder, 'data')}`,
          `--web.listen-address=127.0.0.1:${port}`,
        ],
      }
    },
  })
}

/** Some of each: reads, writes, refusals, log-ins, log-outs. */
async function makeTraffic({ ask }: ReturnType<typeof openClient>, key: string): Promise<void> {
  for (let n = 0; n < 20; n++) {
    const { cookie } = await ask('PUT /session/a', { body: '1' })
    await ask('GET /session/a', { cookie })
    await ask('GET /session/missing', { cookie })
    await ask('GET /sessions', { key })
    if (n % 2 === 0) await ask('DELETE /session', { cookie })
  }
}

type Found = { readonly value: readonly [time: number, value: string] }

async function ask(api: string, expr: string): Promise<readonly Found[]> {
  const answer = await fetch(`${api}/query?query=${encodeURIComponent(expr)}`)
  const body: { status: string; error?: string; data: { result: Found[] } } = JSON.parse(
    await answer.text(),
  )
  assert.is(body.status, 'success', `${expr}: ${body.error}`)
  return body.data.result
}

type Panel = { readonly title: string; readonly targets?: readonly { readonly expr: string }[] }

/** With Grafana's variables as a browser would fill them in; a rate needs a few scrapes. */
function boardExpressions(): { title: string; expr: string }[] {
  const board: { panels: Panel[] } = JSON.parse(readFileSync(join(FOLDER, 'grafana.json'), 'utf8'))
  return board.panels.flatMap(({ title, targets = [] }) =>
    targets.map(({ expr }) => ({
      title,
      expr: expr.replaceAll('$__rate_interval', '30s').replaceAll('$instance', '.*'),
    })),
  )
}
