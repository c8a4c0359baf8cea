import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import {
  allowsColour,
  readSettings,
  type Settings,
  SettingsError,
} from '../../lib/settings/settings.ts'

const test = suite('settings in force')

test('the settings in force are told as they were written, with their source and without secrets', () => {
  const env = {
    COATCHECK_API_KEY: `ck_${'x'.repeat(40)}`,
    COATCHECK_LIFETIME: '2d',
    COATCHECK_PORT: '',
  }
  const asked = readSettings(['--idle-timeout', '90m', '--trust-proxy'], env)
  assert.ok(asked.kind === 'serve')
  const { texts, given } = asked.inForce
  assert.equal(given, [
    '--trust-proxy=loopback',
    '--idle-timeout=90m',
    'COATCHECK_LIFETIME=2d',
    'COATCHECK_API_KEY=***',
  ])
  const { port, 'idle-timeout': idle, 'api-key': key, listen } = texts
  assert.equal([port, idle, key, listen], ['7377', '90m', '***', null])
  assert.not.match(JSON.stringify(asked.inForce), 'xxx')
})

test('API keys come by the environment alone, and no fault shows what was given', () => {
  const key = 'ck_0123456789-abcdefghij'
  const other = 'ck_ABCDEFGHIJKLMNOPQRSTUVWXYZ'
  assert.equal(settingsIn({ COATCHECK_API_KEY: key }).apiKeys, [key])
  assert.equal(settingsIn({ COATCHECK_API_KEY: `${key}, ${other}` }).apiKeys, [key, other])
  for (const text of ['ck_short', key.slice(3), `${key},`, `${key} ${other}`, `${key}=`]) {
    const [fault = '', ...others] = faultsIn({ COATCHECK_API_KEY: text })
    assert.match(fault, /^COATCHECK_API_KEY must be one or more API keys .*, got something else$/)
    assert.equal(others, [])
  }
  for (const args of [[`--api-key=${key}`], ['--api-key', key], ['--api-key', key, '--api-key']]) {
    assert.equal(faultsOf(...args), [
      '--api-key must come by the environment, in COATCHECK_API_KEY: others see a command line',
    ])
  }
})

test('colours are for terminals that take them, and not with NO_COLOR', () => {
  assert.is(allowsColour({}), true)
  assert.is(allowsColour({ TERM: 'xterm-256color', NO_COLOR: '' }), true)
  assert.is(allowsColour({ NO_COLOR: '1' }), false)
  assert.is(allowsColour({ NO_COLOR: '0' }), false)
  assert.is(allowsColour({ TERM: 'dumb' }), false)
})

test.run()

function settingsIn(env: Record<string, string>): Settings {
  const command = readSettings([], env)
  if (command.kind !== 'serve') throw new Error(`Expected serve, got ${command.kind}`)
  return command.settings
}

function faultsOf(...args: string[]): readonly string[] {
  return faultsIn({}, ...args)
}

function faultsIn(env: Record<string, string>, ...args: string[]): readonly string[] {
  try {
    readSettings(args, env)
    return []
  } catch (error) {
    if (error instanceof SettingsError) return error.faults
    throw error
  }
}
