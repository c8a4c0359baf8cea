import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { quote } from '../../lib/base/quote.ts'
import { readSettings, SettingsError, type Settings } from '../../lib/settings/settings.ts'
import { listExitCodes } from '../../lib/command-line/exit-codes.ts'
import { renderHelp } from '../../lib/settings/settings-help.ts'
import { documentedSettings } from '../kit/texts/documented-settings.ts'
import { renderSettingsTable } from '../kit/texts/markdown-tables.ts'

const test = suite('settings')

/** Their values may stand neither on a command line nor in a fault. */
const SECRET_FLAGS = ['--api-key', '--store-password']
/** A wrong value may hold a password, see `store-settings.test.ts`. */
const STORE_FLAG = '--store'
/** Only beside another, see `store-settings.test.ts`. */
const DEPENDENT_FLAG = '--store-password-file'
const WITHOUT_DEFAULT = [
  '--listen',
  '--admin-listen',
  '--log-format',
  '--cookie-domain',
  '--max-sessions-per-sub',
  '--api-key',
  '--api-key-file',
  '--create-rate',
  '--store',
  '--store-password',
  '--store-password-file',
]

test('an integer out of its range, or not an integer, is a fault', () => {
  for (const text of ['80a', '65536', '-1', '1.5', '1e3', '0x50', '080', ' 80', '٣']) {
    const got = JSON.stringify(text)
    assert.equal(faultsOf('--port', text), [
      `--port must be an integer from 0 to 65535, got ${got}`,
    ])
  }
  assert.is(faultsOf('--max-keys=0').length, 1)
})

test('a duration without its unit is a fault that lists the units', () => {
  assert.equal(faultsOf('--idle-timeout=30'), [
    '--idle-timeout must be a duration from 1ms to 3650d in whole ms, s, m, h, d or w, such as 90s or 1h30m, got "30"',
  ])
})

test('a malformed duration is a fault', () => {
  for (const text of ['1.5h', 'h', '30M', '30m1h', '1h1h', '1h 30m', '-1h', '1h30', '1y', '1mss']) {
    assert.is(faultsOf(`--idle-timeout=${text}`).length, 1, text)
  }
})

test('a duration of zero is a fault, except for how long to remember an ended session', () => {
  assert.is(faultsOf('--idle-timeout=0s').length, 1)
  assert.is(faultsOf('--stop-timeout=0').length, 1)
  assert.is(settingsOf('--keep-ended=0').keepEndedMs, 0)
  assert.is(settingsOf('--keep-ended=0s').keepEndedMs, 0)
})

test('a lifetime past the 400 days of a cookie is a fault', () => {
  for (const flag of ['--lifetime', '--permanent-lifetime']) {
    assert.match(faultsOf(flag, '400d1ms')[0] ?? '', `${flag} must be a duration from 1ms to 400d`)
  }
  assert.is(settingsOf('--lifetime=400d').lifetimeMs, 34_560_000_000)
  assert.is(settingsOf('--permanent-lifetime=400d').permanentLifetimeMs, 34_560_000_000)
})

test('a time too long for a timer of Node is a fault', () => {
  const flags = ['sweep-interval', 'header-timeout', 'request-timeout', 'keep-alive-timeout']
  for (const flag of [...flags, 'stop-timeout']) {
    assert.is(faultsOf(`--${flag}=25d`).length, 1, flag)
  }
})

test('a malformed size is a fault', () => {
  const faults = faultsOf('--session-limit=64K')
  assert.equal(faults, [
    '--session-limit must be a size from 1B to 256MiB in whole B, KB, KiB, MB or MiB, such as 65536 or 64KiB, got "64K"',
  ])
  for (const text of ['0', '0KiB', '1.5MiB', 'KiB', '64 KiB', '-1', '257MiB', '1TiB', '1e3']) {
    assert.is(faultsOf(`--session-limit=${text}`).length, 1, text)
  }
  assert.is(faultsOf('--header-limit=1023').length, 1)
})

test('a data file that is not on disk is a fault', () => {
  for (const text of ['', ':memory:', ' :memory: ', ' ', 'data/']) {
    const got = JSON.stringify(text)
    assert.equal(faultsOf(`--data=${text}`), [
      `--data must be the path of a file on disk, such as data/sessions.db, that does not end like the files beside a data file (.lock, .reserve, -wal, -shm, -journal), got ${got}`,
    ])
  }
})

test('a host that is neither a name nor an address is a fault', () => {
  for (const text of ['[::1]', '256.1.1.1', '127.0.0', 'a b', 'http://a', 'a:80', '-a', 'a..b']) {
    assert.is(faultsOf(`--host=${text}`).length, 1, text)
  }
})

test('a unix socket without its scheme or with a path too long is a fault', () => {
  for (const text of ['/run/a.sock', 'unix:', 'UNIX:/a', `unix:/${'é'.repeat(54)}`]) {
    assert.is(faultsOf(`--listen=${text}`).length, 1, text)
  }
})

test('a proxy that is no address, range or known word is a fault', () => {
  const wrong = ['10.0.0.0/33', '::1/129', '10.0.0.0/', '10.0.0.0/8/8', '10.0.0', 'fe80::1%eth0']
  for (const text of [...wrong, 'false', 'none,::1', '::1,', 'example.com', '10.0.0.0/08']) {
    assert.is(faultsOf(`--trust-proxy=${text}`).length, 1, text)
  }
})

test('a cookie name that no cookie can have, or with a prefix of browsers, is a fault', () => {
  const prefixed = ['__Host-sid', '__secure-sid', '__HTTP-sid', '__Host-Http-sid']
  for (const text of [...prefixed, 'a b', 'a;b', 'a=b', 'a"b', 'é', 'a'.repeat(101)]) {
    assert.is(faultsOf(`--cookie-name=${text}`).length, 1, text)
  }
})

test('a durability that is not one of the two is a fault', () => {
  assert.equal(faultsOf('--durability=Full'), ['--durability must be full or relaxed, got "Full"'])
})

test('a flag given twice is a fault, whatever its values', () => {
  assert.equal(faultsOf('--port', '1', '--port=1'), ['--port must be given once, got "1" and "1"'])
  assert.equal(faultsOf('--trust-proxy', '--trust-proxy=unix'), [
    '--trust-proxy must be given once, got nothing and "unix"',
  ])
})

test('a flag without a value is a fault, even before another flag', () => {
  const fault = '--port must be an integer from 0 to 65535, got nothing'
  assert.equal(faultsOf('--port'), [fault])
  assert.equal(faultsOf('--port', '--host', 'localhost'), [fault])
})

test('an empty value is a fault from a flag, and none from the environment', () => {
  for (const { flag, variable } of documentedSettings()) {
    if (!SECRET_FLAGS.includes(flag)) {
      const [fault = '', ...others] = faultsOf(`${flag}=`)
      assert.equal(others, [])
      const got = flag === STORE_FLAG ? /, got something else: / : /, got ""$/
      assert.ok(fault.startsWith(`${flag} must be `) && got.test(fault), fault)
    }
    assert.equal(settingsIn({ [variable]: '' }), settingsOf(), variable)
  }
})

test('an unknown flag is a fault that names the nearest one', () => {
  assert.equal(faultsOf('--prot', '80'), ['Unknown flag "--prot": did you mean --port?'])
  assert.equal(faultsOf('--idle_timeout=1h'), [
    'Unknown flag "--idle_timeout": did you mean --idle-timeout?',
  ])
  assert.equal(faultsOf('--PORT=80'), ['Unknown flag "--PORT": did you mean --port?'])
  assert.equal(faultsOf('--halp'), ['Unknown flag "--halp": did you mean --help?'])
  assert.equal(faultsOf('--log-limit', '4MiB'), [
    'Unknown flag "--log-limit": did you mean --wal-limit?',
  ])
})

test('an unknown flag near to none is sent to the help', () => {
  assert.equal(faultsOf('--redis-url', 'x'), [
    'Unknown flag "--redis-url": see --help for the list',
  ])
  assert.is(faultsOf('-p', '80').length, 1)
  assert.is(faultsOf('--__proto__=1').length, 1)
})

test('an unknown command or a word too many is a fault', () => {
  assert.equal(faultsOf('nonsense'), [
    'Unknown command "nonsense": the commands are serve, help, version, backup, check, completion, ' +
      'end, export, healthcheck, import, key, list, relay, restore, show, stats',
  ])
  assert.equal(faultsOf('start'), ['Unknown command "start": did you mean serve?'])
  assert.is(faultsOf('start', 'now').length, 2)
  assert.equal(faultsOf('serve', '--port=80', 'now'), [
    'Unexpected argument "now": a flag starts with --',
  ])
})

test('a body limit below the session limit is a fault that names where each came from', () => {
  assert.equal(faultsOf('--session-limit=2MiB'), [
    '--body-limit must be at least --session-limit, got "1MiB" and "2MiB"',
  ])
  const env = { COATCHECK_BODY_LIMIT: '65535' }
  assert.equal(faultsIn(env), [
    'COATCHECK_BODY_LIMIT must be at least --session-limit, got "65535" and "64KiB"',
  ])
  assert.is(settingsOf('--body-limit=64KiB').bodyLimitBytes, 65_536)
})

test('a request timeout below the header timeout is a fault', () => {
  assert.equal(faultsOf('--header-timeout=20s'), [
    '--request-timeout must be at least --header-timeout, got "15s" and "20s"',
  ])
})

test('a unix socket beside a host or port from the command line is a fault', () => {
  const listen = '--listen=unix:/run/a.sock'
  const got = 'got "unix:/run/a.sock"'
  assert.equal(faultsOf(listen, '--port=7377'), [`--listen must come without --port, ${got}`])
  assert.equal(faultsOf(listen, '--port=80', '--host=::1'), [
    `--listen must come without --host and --port, ${got}`,
  ])
  assert.equal(faultsIn({ COATCHECK_LISTEN: 'unix:/run/a.sock' }, '--port=80'), [
    `COATCHECK_LISTEN must come without --port, ${got}`,
  ])
})

test('all faults are listed at once', () => {
  const env = { COATCHECK_MAX_DEPTH: 'deep', COATCHECK_PROT: '80', COATCHECK_HOST: 'localhost' }
  const faults = faultsIn(env, '--port=80a', '--body-limit=1KiB', '--colour=red', '--lifetime')
  assert.is(faults.length, 6)
  for (const start of [
    '--port must be ',
    '--lifetime must be ',
    '--body-limit must be at least ',
    'Unknown flag "--colour"',
    'COATCHECK_MAX_DEPTH must be ',
    'Unknown variable "COATCHECK_PROT"',
  ]) {
    assert.is(faults.filter((fault) => fault.startsWith(start)).length, 1, start)
  }
})

test('the error shows every fault, on one line whatever a value holds', () => {
  const error = errorIn({}, '--port=8\n0', '--durability=\u001b[31m')
  assert.is(
    error?.message,
    'Cannot read the settings: --port must be an integer from 0 to 65535, got "8\\n0"; ' +
      '--durability must be full or relaxed, got "\\u001b[31m"',
  )
})

test('no flag and no variable gives the defaults', () => {
  assert.equal(settingsOf(), {
    host: '127.0.0.1',
    port: 7377,
    listenPath: undefined,
    adminListen: undefined,
    trustedProxies: [],
    logFormat: undefined,
    dataPath: 'data/sessions.db',
    store: undefined,
    storePassword: undefined,
    storePasswordPath: undefined,
    durability: 'full',
    walLimitBytes: 1_073_741_824,
    sweepIntervalMs: 60_000,
    keepEndedMs: 86_400_000,
    keepEventsMs: 86_400_000,
    maxEvents: 1_000_000,
    idleTimeoutMs: 1_800_000,
    lifetimeMs: 43_200_000,
    permanentIdleTimeoutMs: 2_678_400_000,
    permanentLifetimeMs: 2_678_400_000,
    cookieName: 'sid',
    cookieDomain: undefined,
    cookieSameSite: 'Lax',
    maxSessionsPerSub: undefined,
    onSessionLimit: 'evict',
    apiKeys: undefined,
    apiKeyPath: undefined,
    holderAccess: 'read-write',
    deviceInfo: 'on',
    tour: 'auto',
    sessionLimitBytes: 65_536,
    keyLimitBytes: 256,
    maxKeys: 1000,
    maxDepth: 64,
    bodyLimitBytes: 1_048_576,
    headerLimitBytes: 16_384,
    createRate: undefined,
    maxConnections: 10_000,
    maxEventStreams: 1000,
    maxPendingWrites: 10_000,
    maxWriteWaitMs: 2_000,
    headerTimeoutMs: 5000,
    requestTimeoutMs: 15_000,
    keepAliveTimeoutMs: 75_000,
    stopTimeoutMs: 10_000,
    stopDelayMs: 0,
    testClock: 'off',
  })
})

test('each flag and each variable takes the default it documents', () => {
  const defaults = settingsOf()
  for (const { flag, variable, fallback } of documentedSettings()) {
    if (WITHOUT_DEFAULT.includes(flag)) {
      assert.is(fallback, '', flag)
      continue
    }
    assert.equal(settingsOf(flag, fallback), defaults)
    assert.equal(settingsOf(`${flag}=${fallback}`), defaults)
    assert.equal(settingsIn({ [variable]: fallback }), defaults)
  }
})

test('each flag and each variable sets the one setting of its name', () => {
  const others: Record<string, string> = {
    '--host': 'localhost',
    '--port': '80',
    '--listen': 'unix:/run/a.sock',
    '--admin-listen': '127.0.0.1:7378',
    '--trust-proxy': 'loopback',
    '--data': 'a.db',
    '--log-format': 'json',
    '--durability': 'relaxed',
    '--cookie-name': 'ticket',
    '--cookie-domain': 'example.com',
    '--cookie-same-site': 'strict',
    '--create-rate': '6',
    '--wal-limit': '7MiB',
    '--max-sessions-per-sub': '5',
    '--on-session-limit': 'refuse',
    '--api-key-file': '/run/key',
    '--holder-access': 'none',
    '--device-info': 'off',
    '--test-clock': 'on',
    '--tour': 'off',
    '--store': 'postgres://coat@127.0.0.1/coat',
  }
  const renamed: Record<string, string> = {
    trustProxy: 'trustedProxies',
    apiKeyFile: 'apiKeyPath',
  }
  const defaults = Object.entries(settingsOf())
  for (const { flag, variable, fallback } of documentedSettings()) {
    if (SECRET_FLAGS.includes(flag) || flag === DEPENDENT_FLAG) continue
    const ofKind = /[a-z]$/.test(fallback) ? '6s' : fallback.endsWith('B') ? '70000' : '7'
    const text = others[flag] ?? ofKind
    const settings: Record<string, unknown> = settingsOf(flag, text)
    const changed = defaults.filter(([name, value]) => String(settings[name]) !== String(value))
    const stem = flag.slice(2).replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase())
    assert.is(changed.length, 1, flag)
    assert.ok(changed[0]?.[0].startsWith(renamed[stem] ?? stem), flag)
    assert.equal(settingsIn({ [variable]: text }), settings)
  }
})

test('a flag wins over the environment, which wins over the default', () => {
  const env = { COATCHECK_PORT: '81', COATCHECK_HOST: '::1' }
  const settings = settingsIn(env, '--port', '82')
  assert.is(settings.port, 82)
  assert.is(settings.host, '::1')
})

test('a variable is not read where a flag wins', () => {
  assert.is(settingsIn({ COATCHECK_PORT: 'eighty' }, '--port=80').port, 80)
})

test('variables of others are left alone', () => {
  const env = { PORT: 'x', COATCHECKED: 'x', COATCHECK_PROT: undefined }
  assert.equal(settingsIn(env), settingsOf())
})

test('the command serve is the same as none', () => {
  assert.equal(settingsOf('serve', '--port=80'), settingsOf('--port=80'))
  assert.equal(settingsOf('--port', '80', 'serve'), settingsOf('--port=80'))
})

test('a value may hold an equals sign', () => {
  assert.is(settingsOf('--data=a=b.db').dataPath, 'a=b.db')
})

test('a host is a name or an address of either family', () => {
  for (const text of ['localhost', 'my_host.example', '0.0.0.0', '::', '::1', 'fe80::1%eth0']) {
    assert.is(settingsOf('--host', text).host, text)
  }
})

test('a unix socket replaces the host and port, those of the environment too', () => {
  const settings = settingsIn({ COATCHECK_PORT: '80' }, '--listen', 'unix:run/a.sock')
  assert.is(settings.listenPath, 'run/a.sock')
})

test('a size may be written with any of its units in any case', () => {
  const sizes = { '70000': 70_000, '64KB': 64_000, '64kib': 65_536, '1Mb': 1e6, '900b': 900 }
  for (const [text, bytes] of Object.entries(sizes)) {
    assert.is(settingsOf('--session-limit', text).sessionLimitBytes, bytes)
  }
  assert.is(settingsOf('--body-limit=256MiB').bodyLimitBytes, 268_435_456)
})

test('any text is read or told as one fault that quotes it', () => {
  const flags = documentedSettings()
    .map(({ flag }) => flag)
    .filter((flag) => flag !== DEPENDENT_FLAG)
  fc.assert(
    fc.property(fc.constantFrom(...flags), fc.string({ unit: 'binary' }), (flag, text) => {
      const faults = faultsOf(`${flag}=${text}`)
      assert.ok(faults.length <= 1)
      if (SECRET_FLAGS.includes(flag) || flag === STORE_FLAG) return
      assert.ok(faults.every((fault) => fault.includes(quote(text))))
    }),
  )
})

test('a trusted proxy without a value is the loopback', () => {
  const loopback = ['127.0.0.0/8', '::1/128']
  assert.equal(settingsOf('--trust-proxy').trustedProxies, loopback)
  assert.equal(settingsOf('--trust-proxy', '--port=80').trustedProxies, loopback)
  assert.equal(settingsIn({ COATCHECK_TRUST_PROXY: 'true' }).trustedProxies, loopback)
})

test('help wins over every fault and over the version', () => {
  for (const flag of ['--help', '-h']) {
    const command = readSettings(['-v', '--port', flag, '--wrong', 'x'], { COATCHECK_X: '1' })
    assert.equal(command, { kind: 'help', text: renderHelp() })
  }
})

test('version wins over every fault', () => {
  for (const flag of ['--version', '-v', '-V']) {
    const command = readSettings([flag, '--port=x'], { COATCHECK_X: '1' })
    assert.equal(command, { kind: 'version' })
  }
})

test('help with a value is a fault', () => {
  assert.equal(faultsOf('--help=no'), ['--help must come without a value, got "no"'])
})

test('the help names every flag, variable, default and exit code within 80 columns', () => {
  const help = renderHelp()
  const lines = help.split('\n')
  for (const { flag, variable, fallback } of documentedSettings()) {
    const heads = lines.filter((line) => line.startsWith(`  ${flag} `))
    assert.is(heads.length, 1, flag)
    assert.ok(heads[0]?.endsWith(` ${variable}`), flag)
    if (fallback !== '') assert.ok(help.includes(`[${fallback}]`), flag)
  }
  for (const [code] of listExitCodes()) {
    assert.ok(
      lines.some((line) => line.startsWith(`${String(code).padStart(4)}  `)),
      `${code}`,
    )
  }
  assert.equal(
    lines.filter((line) => line.length > 80 || line.endsWith(' ')),
    [],
  )
})

test('the help keeps every word of a description', () => {
  const words = renderHelp().replaceAll(/\s+/g, ' ')
  for (const { flag, description } of documentedSettings()) {
    assert.ok(words.includes(description), flag)
  }
})

test('the table of the manual has a row for each setting and columns of one width', () => {
  const lines = renderSettingsTable().trimEnd().split('\n')
  assert.is(documentedSettings().length, Object.keys(settingsOf()).length)
  assert.is(new Set(lines.map((line) => line.length)).size, 1)
  assert.match(lines[0] ?? '', /^\| Flag +\| Environment +\| Default +\| What it does +\|$/)
  assert.match(lines[1] ?? '', /^(\| -+ ){4}\|$/)
  assert.match(lines[3] ?? '', /^\| `--port` +\| `COATCHECK_PORT` +\| `7377` +\| The port /)
})

test.run()

function settingsOf(...args: string[]): Settings {
  return settingsIn({}, ...args)
}

function settingsIn(env: Record<string, string | undefined>, ...args: string[]): Settings {
  const command = readSettings(args, env)
  if (command.kind !== 'serve') throw new Error(`Expected serve, got ${command.kind}`)
  return command.settings
}

function faultsOf(...args: string[]): readonly string[] {
  return faultsIn({}, ...args)
}

function faultsIn(env: Record<string, string | undefined>, ...args: string[]): readonly string[] {
  return errorIn(env, ...args)?.faults ?? []
}

function errorIn(
  env: Record<string, string | undefined>,
  ...args: string[]
): SettingsError | undefined {
  try {
    readSettings(args, env)
    return undefined
  } catch (error) {
    if (error instanceof SettingsError) return error
    throw error
  }
}
