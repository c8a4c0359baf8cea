/** Variables that are no settings: slips, and what Kubernetes and Docker put in for a service called `coatcheck`. */
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { readSettings, readStrayVariables, SettingsError } from '../../lib/settings/settings.ts'
import { makeFolder, spawnServer } from '../kit/process/spawn-server.ts'

const test = suite('environment')

const KUBERNETES = {
  COATCHECK_SERVICE_HOST: '10.96.12.7',
  COATCHECK_SERVICE_PORT: '7377',
  COATCHECK_SERVICE_PORT_HTTP: '7377',
  COATCHECK_PORT: 'tcp://10.96.12.7:7377',
  COATCHECK_PORT_7377_TCP: 'tcp://10.96.12.7:7377',
  COATCHECK_PORT_7377_TCP_PROTO: 'tcp',
  COATCHECK_PORT_7377_TCP_PORT: '7377',
  COATCHECK_PORT_7377_TCP_ADDR: '10.96.12.7',
}

const OTHER_SERVICES = {
  COATCHECK_ADMIN_SERVICE_HOST: 'fd00::7',
  COATCHECK_ADMIN_SERVICE_PORT_HTTP_ADMIN: '80',
  COATCHECK_ADMIN_PORT: 'tcp://[fd00::7]:80',
  COATCHECK_ADMIN_PORT_53_UDP: 'udp://[fd00::7]:53',
  COATCHECK_API_KEY_SERVICE_HOST: '10.96.12.8',
  COATCHECK_API_KEY_PORT: 'tcp://10.96.12.8:80',
}

const DOCKER_LINK = {
  COATCHECK_NAME: '/web/coatcheck',
  COATCHECK_COOKIE_NAME: '/web/coatcheck-cookie',
  COATCHECK_ENV_NODE_VERSION: '26.10.0',
  COATCHECK_ENV_npm_config_port: '1',
  COATCHECK_PORT_7377_TCP_START: 'tcp://172.17.0.2:7377',
  COATCHECK_PORT_7377_TCP_PORT_END: '7379',
}

test('service links are no faults, and none of them is a setting', () => {
  const env = { ...KUBERNETES, ...OTHER_SERVICES, ...DOCKER_LINK }
  assert.equal(readSettings([], env), readSettings([], {}))
  assert.equal(readStrayVariables(env), {
    faults: [],
    serviceLinks: Object.keys(env),
    unknown: [],
  })
})

test('a port that is a number is the setting, also beside links', () => {
  const command = readSettings([], { ...KUBERNETES, COATCHECK_PORT: '8080' })
  assert.is(command.kind === 'serve' && command.settings.port, 8080)
  const flag = readSettings(['--port=8081'], KUBERNETES)
  assert.is(flag.kind === 'serve' && flag.settings.port, 8081)
})

test('what a link would not say is read as the setting that it is', () => {
  for (const [name, value] of [
    ['COATCHECK_PORT', 'http://10.96.12.7:7377'],
    ['COATCHECK_PORT', '80a'],
    ['COATCHECK_COOKIE_NAME', '/sid'],
    ['COATCHECK_HOST', 'tcp://10.96.12.7:7377'],
  ] as const) {
    assert.throws(
      () => readSettings([], { [name]: value }),
      (error: unknown) => error instanceof SettingsError && error.message.includes(name),
    )
  }
})

test('a variable that is nearly a known one is a fault that names it', () => {
  const slips = {
    COATCHECK_IDLE_TIMOUT: 'COATCHECK_IDLE_TIMEOUT',
    COATCHECK_IDLETIMEOUT: 'COATCHECK_IDLE_TIMEOUT',
    COATCHECK_PROT: 'COATCHECK_PORT',
    COATCHECK_API_KEYS: 'COATCHECK_API_KEY',
    coatcheck_port: 'COATCHECK_PORT',
    COAT_CHECK_DATA: 'COATCHECK_DATA',
    COATCHECKPORT: 'COATCHECK_PORT',
    COATCHECK_LOG_LIMIT: 'COATCHECK_WAL_LIMIT',
  }
  for (const [slip, meant] of Object.entries(slips)) {
    assert.equal(readStrayVariables({ [slip]: '1' }).faults, [
      `Unknown variable "${slip}": did you mean ${meant}?`,
    ])
    assert.equal(readStrayVariables({ [slip]: '' }).faults, [])
  }
})

test('a variable that is like no known one is told, and no fault', () => {
  for (const name of ['COATCHECK_REDIS_URL', 'COATCHECK_TEST', 'COATCHECK_PATH', 'COATCHECK_']) {
    assert.equal(readSettings([], { [name]: 'x' }), readSettings([], {}))
    assert.equal(readStrayVariables({ [name]: 'x' }).unknown, [name])
  }
})

test('server starts among service links, and says so in one line without their values', async () => {
  const folder = makeFolder()
  const env = {
    ...KUBERNETES,
    ...OTHER_SERVICES,
    COATCHECK_REDIS_URL: 'secret',
    COATCHECK_LIFETIME: '',
  }
  const server = await spawnServer(['--data', join(folder, 'sessions.db')], env)
  server.kill('SIGTERM')
  const { code, stderr } = await server.ended
  assert.is(code, 0)
  const lines = stderr
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, string>)
  assert.equal(
    lines.slice(0, 2).map(({ level, event, variables }) => [level, event, variables]),
    [
      [
        'info',
        'service_links_ignored',
        Object.keys({ ...KUBERNETES, ...OTHER_SERVICES }).join(' '),
      ],
      ['warn', 'unknown_variables', 'COATCHECK_REDIS_URL'],
    ],
  )
  assert.not.match(stderr, '10.96.12.7')
  assert.not.match(stderr, 'secret')
})

test.run()
