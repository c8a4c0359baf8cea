import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { readSettings, SettingsError, type Settings } from '../../lib/settings/settings.ts'

const test = suite('settings: the admin address')

test('an address of the admin listener without its port, or malformed, is a fault', () => {
  for (const text of [
    '',
    '127.0.0.1',
    '7378',
    ':7378',
    '127.0.0.1:',
    '127.0.0.1:65536',
    '127.0.0.1:+1',
    '127.0.0:7378',
    '::1:7378',
    '[::1]',
    '[127.0.0.1]:7378',
    '[::g]:7378',
    'http://localhost:7378',
    'localhost:7378/metrics',
    'a b:7378',
    'unix:',
    `unix:/${'a'.repeat(107)}`,
  ]) {
    const [fault = '', ...others] = faultsOf('--admin-listen', text)
    assert.match(fault, '--admin-listen must be HOST:PORT', text)
    assert.equal(others, [], text)
  }
})

test('an address of the admin listener is a host with its port, or a socket', () => {
  for (const [text, address] of [
    ['127.0.0.1:7378', { host: '127.0.0.1', port: 7378 }],
    ['localhost:0', { host: 'localhost', port: 0 }],
    ['[::1]:7378', { host: '::1', port: 7378 }],
    ['0.0.0.0:65535', { host: '0.0.0.0', port: 65_535 }],
    ['unix:/run/admin.sock', { path: '/run/admin.sock' }],
  ] as const) {
    assert.equal(settingsOf('--admin-listen', text).adminListen, address, text)
  }
  assert.is(settingsOf().adminListen, undefined)
})

test('an admin listener at the main address is a fault', () => {
  for (const flags of [
    ['--admin-listen=127.0.0.1:7377'],
    ['--admin-listen=0.0.0.0:7377'],
    ['--admin-listen=[::]:7377'],
    ['--admin-listen=localhost:7377'],
    ['--host=::', '--admin-listen=[::1]:7377'],
    ['--host=localhost', '--port=80', '--admin-listen=127.0.0.1:80'],
    ['--listen=unix:/run/a.sock', '--admin-listen=unix:/run/../run/a.sock'],
  ]) {
    assert.match(
      faultsOf(...flags).join(),
      /^--admin-listen must (be|have) another /,
      flags.join(' '),
    )
  }
  for (const flags of [
    ['--admin-listen=127.0.0.1:7378'],
    ['--admin-listen=127.0.0.2:7377'],
    ['--port=0', '--admin-listen=127.0.0.1:0'],
    ['--listen=unix:/run/a.sock', '--admin-listen=127.0.0.1:7377'],
    ['--listen=unix:/run/a.sock', '--admin-listen=unix:/run/b.sock'],
  ]) {
    assert.equal(faultsOf(...flags), [], flags.join(' '))
  }
})

function settingsOf(...args: string[]): Settings {
  const command = readSettings(args, {})
  if (command.kind !== 'serve') throw new Error(`Expected serve, got ${command.kind}`)
  return command.settings
}

function faultsOf(...args: string[]): readonly string[] {
  try {
    readSettings(args, {})
    return []
  } catch (error) {
    if (error instanceof SettingsError) return error.faults
    throw error
  }
}

test.run()
