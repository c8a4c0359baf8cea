import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { settingsTable, variableOf } from '../../lib/settings/settings-table.ts'
import {
  makeFolder,
  type RunningServer,
  runServer,
  spawnServer,
} from '../kit/process/spawn-server.ts'

const test = suite('log output')

// One for each setting: right, no default, and to be told from all others. A new setting needs one.
const VALUES: Readonly<Record<string, string>> = {
  '--test-clock': 'on',
  '--host': '127.0.0.3',
  '--port': '0',
  '--admin-listen': '127.0.0.4:0',
  '--trust-proxy': '192.0.2.77',
  '--log-format': 'json',
  '--durability': 'relaxed',
  '--wal-limit': '777MiB',
  '--sweep-interval': '777s',
  '--keep-ended': '778s',
  '--keep-events': '797s',
  '--max-events': '798',
  '--idle-timeout': '779s',
  '--lifetime': '780s',
  '--permanent-idle-timeout': '781s',
  '--permanent-lifetime': '782s',
  '--cookie-name': 'recognisable-cookie',
  '--cookie-domain': 'recognisable.example',
  '--cookie-same-site': 'strict',
  '--max-sessions-per-sub': '783',
  '--on-session-limit': 'refuse',
  '--api-key': 'ck_recognisable-secret-key-of-environment',
  '--holder-access': 'read',
  '--device-info': 'off',
  '--tour': 'off',
  '--session-limit': '784KiB',
  '--key-limit': '785B',
  '--max-keys': '786',
  '--max-depth': '87',
  '--body-limit': '788KiB',
  '--header-limit': '89KiB',
  '--create-rate': '790',
  '--max-connections': '791',
  '--max-event-streams': '799',
  '--max-pending-writes': '792',
  '--max-write-wait': '793ms',
  '--header-timeout': '7s',
  '--request-timeout': '794s',
  '--keep-alive-timeout': '795s',
  '--stop-timeout': '796s',
  '--stop-delay': '97ms',
}

test('the start tells every setting with its value and its source, and no secret', async () => {
  const folder = makeFolder()
  const values: Record<string, string> = {
    ...VALUES,
    '--data': join(folder, 'recognisable.db'),
    '--api-key-file': join(folder, 'recognisable.key'),
  }
  // These stand beside neither an address nor a data file; database-server.long.test.ts has databases.
  const rows = settingsTable.filter(({ flag }) => !/^--(?:listen$|store)/.test(flag))
  const missing = rows.filter(({ flag }) => values[flag] === undefined).map(({ flag }) => flag)
  assert.equal(missing, [])
  const env = Object.fromEntries(rows.map((row) => [variableOf(row), values[row.flag]]))
  // spawnServer gives --port.
  const server = await spawnServer([], env)
  const { settings, given, ...facts } = startedLine(server)
  const { stdout, stderr } = await stop(server)

  assert.equal(Object.keys(settings).sort(), settingsTable.map(({ flag }) => flag.slice(2)).sort())
  const sources = String(given).split(' ')
  for (const { flag, isSecret, ...row } of rows) {
    const shown = isSecret ? '***' : values[flag]
    assert.is(settings[flag.slice(2)], shown, flag)
    const variable = variableOf({ flag, ...row })
    assert.ok(sources.includes(`${flag === '--port' ? flag : variable}=${shown}`), flag)
    if (isSecret) assert.not.match(stdout + stderr, values[flag] ?? '')
  }
  assert.not.match(stdout + stderr, 'secret')
  assert.is(facts['data'], values['--data'])
  assert.match(String(facts['address']), /^http:\/\/127\.0\.0\.3:\d+$/)
  assert.match(String(facts['version']), /^\d+\.\d+\.\d+/)
  assert.match(String(facts['node']), /^\d+\.\d+\.\d+$/)
  assert.match(String(facts['sqlite']), /^3\.\d+\.\d+$/)
})

test('a setting that sounds like a secret is marked as one', () => {
  const names = settingsTable
    .filter(({ name, isSecret }) => /(key|secret|password|token)s?$/i.test(name) && !isSecret)
    .map(({ name }) => name)
  // A limit on the keys of a session's data.
  assert.equal(names, ['maxKeys'])
})

test('defaults are in force without being given', async () => {
  const server = await spawnServer(['--data', join(makeFolder(), 'a.db')])
  const { settings, given } = startedLine(server)
  await stop(server)
  assert.is(settings['idle-timeout'], '30m')
  assert.is(settings['listen'], null)
  assert.match(String(given), /^--port=0 --data=\S+$/)
})

test('text is asked for by the setting, without colours where stderr is no terminal', async () => {
  const data = ['--data', join(makeFolder(), 'a.db')]
  const server = await spawnServer([...data, '--log-format', 'text'], { FORCE_COLOR: '1' })
  const { stdout, stderr } = await stop(server)
  assert.match(stderr, /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ {2}info {3}started {14}version=/)
  assert.match(stderr, /Z {2}info {3}stopped {14}exitCode=0\n$/)
  assert.not.match(stderr, /\u001b/)
  assert.match(stdout, /^Coatcheck listens on http:\/\/\S+\nTry: curl /)
})

test('a wrong format is refused with what it may be', async () => {
  const { code, stderr } = await runServer(['--log-format', 'xml'])
  assert.is(code, 64)
  assert.match(stderr, '--log-format must be text or json, got "xml"')
})

test('keys that commands make and revoke, and ends of all, are told by the server beside', async () => {
  const data = ['--data', join(makeFolder(), 'a.db')]
  const server = await spawnServer(data)
  const { stdout } = await runServer(['key', 'new', 'shop', ...data])
  await told(server, '"event":"key_made","by":"operator","key":"shop","scope":"all"')
  const headers = { Authorization: `Bearer ${stdout.trim()}` }
  await fetch(`${server.url}/sessions?all=true`, { method: 'DELETE', headers })
  await told(
    server,
    '"event":"sessions_ended","by":"shop","client":"127.0.0.1","all":true,"more":false,"ended":0',
  )
  await runServer(['key', 'revoke', 'shop', ...data])
  await told(server, '"event":"key_revoked","by":"operator","key":"shop"')
  await fetch(`${server.url}/sessions`, { headers })
  await told(server, '"event":"api_key_refused","client":"127.0.0.1"')
  await fetch(`${server.url}/session/a`, { method: 'PUT', body: '1' })
  await runServer(['end', '--all', ...data])
  await told(server, '"event":"sessions_ended","by":"operator","steps":')
  const { stderr } = await stop(server)
  assert.match(stderr, /"event":"key_made","by":"server","key":"first"/)
  assert.match(stdout, /^ck_/)
  assert.not.match(stderr, stdout.trim())
})

test.run()

function startedLine(server: RunningServer) {
  const line = server
    .stderr()
    .split('\n')
    .find((text) => text.includes('"event":"started"'))
  const facts: Record<string, unknown> = JSON.parse(line ?? '')
  return { ...facts, settings: facts['settings'] as Record<string, string | null> } as Record<
    string,
    unknown
  > & { settings: Record<string, string | null> }
}

async function told(server: RunningServer, part: string): Promise<void> {
  const until = performance.now() + 20_000
  while (!server.stderr().includes(part)) {
    assert.ok(performance.now() < until, `${part} is not in ${server.stderr()}`)
    await new Promise((wake) => setTimeout(wake, 20))
  }
}

async function stop(server: RunningServer) {
  server.kill('SIGTERM')
  return await server.ended
}
