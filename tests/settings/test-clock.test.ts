import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { readSettings, SettingsError, type Settings } from '../../lib/settings/settings.ts'

const test = suite('settings: the test clock')

test('a test clock beside an address that others may reach is a fault, which names it', () => {
  for (const [flags, got] of [
    [['--host=0.0.0.0'], 'got --host "0.0.0.0"'],
    [['--host=::'], 'got --host "::"'],
    [['--host=192.0.2.1'], 'got --host "192.0.2.1"'],
    [['--host=128.0.0.1'], 'got --host "128.0.0.1"'],
    [['--host=::ffff:192.0.2.1'], 'got --host "::ffff:192.0.2.1"'],
    // Only the system knows where a name leads.
    [['--host=example.com'], 'got --host "example.com"'],
    [['--host=localhost.example.com'], 'got --host "localhost.example.com"'],
    [['--admin-listen=0.0.0.0:7378'], 'got --admin-listen "0.0.0.0:7378"'],
    [['--listen=unix:/run/a.sock', '--admin-listen=[::]:7378'], 'got --admin-listen "[::]:7378"'],
    [
      ['--host=::', '--admin-listen=10.0.0.1:7378'],
      'got --host "::" and --admin-listen "10.0.0.1:7378"',
    ],
  ] as const) {
    const [fault = '', ...others] = faultsOf('--test-clock', ...flags)
    assert.match(fault, '--test-clock must come with addresses of this machine alone, such as')
    assert.match(fault, `${got}: whoever reaches the server could move its time`)
    assert.equal(others, [])
    assert.is(settingsOf(...flags).testClock, 'off')
    assert.is(settingsOf('--test-clock=off', ...flags).testClock, 'off')
  }
})

test('the fault names variables, where they are the source', () => {
  const env = { COATCHECK_HOST: '0.0.0.0', COATCHECK_TEST_CLOCK: 'on' }
  const [fault = ''] = faultsIn(env)
  assert.match(fault, 'COATCHECK_TEST_CLOCK must come with')
  assert.match(fault, 'got COATCHECK_HOST "0.0.0.0"')
})

test('a test clock is on with the flag alone, beside loopback addresses and sockets', () => {
  for (const flags of [
    [],
    ['--host=127.0.0.1'],
    ['--host=127.255.0.9'],
    ['--host=::1'],
    ['--host=localhost'],
    ['--host=LOCALHOST'],
    ['--listen=unix:/run/a.sock'],
    ['--admin-listen=127.0.0.1:7378'],
    ['--admin-listen=[::1]:7378'],
    ['--admin-listen=localhost:7378'],
    ['--listen=unix:/run/a.sock', '--admin-listen=unix:/run/b.sock'],
  ]) {
    assert.is(settingsOf('--test-clock', ...flags).testClock, 'on', flags.join(' '))
  }
  // The host of the environment does not count beside a socket.
  const env = { COATCHECK_HOST: '0.0.0.0' }
  assert.is(settingsIn(env, '--test-clock', '--listen=unix:/run/a.sock').testClock, 'on')
})

test('a value that is neither on nor off is a fault', () => {
  assert.equal(faultsOf('--test-clock=yes'), ['--test-clock must be on or off, got "yes"'])
})

test.run()

function settingsOf(...args: readonly string[]): Settings {
  return settingsIn({}, ...args)
}

function settingsIn(env: Readonly<Record<string, string>>, ...args: readonly string[]): Settings {
  const command = readSettings(args, env)
  if (command.kind !== 'serve') throw new Error(`${args.join(' ')} is no call of the server`)
  return command.settings
}

function faultsOf(...args: readonly string[]): readonly string[] {
  return faultsIn({}, ...args)
}

function faultsIn(
  env: Readonly<Record<string, string>>,
  ...args: readonly string[]
): readonly string[] {
  try {
    settingsIn(env, ...args)
  } catch (error) {
    if (error instanceof SettingsError) return error.faults
    throw error
  }
  return []
}
