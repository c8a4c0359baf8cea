import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { LONGEST_IDLE_TIMEOUT_MS, LONGEST_LIFETIME_MS } from '../../lib/session/time-limits.ts'
import {
  readSettings,
  readSome,
  SettingsError,
  type Settings,
} from '../../lib/settings/settings.ts'

const test = suite('limits among the settings')

test('an idle timeout over its lifetime is refused, wherever either comes from', () => {
  const end = ': a session ends with its lifetime, however busy it is; set '
  for (const [given, env, fault] of [
    [
      ['--idle-timeout=30d'],
      {},
      '--lifetime must be at least --idle-timeout, got "12h" (the default) and "30d"',
    ],
    [
      ['--idle-timeout=30d', '--lifetime=29d'],
      {},
      '--lifetime must be at least --idle-timeout, got "29d" and "30d"',
    ],
    [
      ['--idle-timeout=43200001ms'],
      {},
      '--lifetime must be at least --idle-timeout, got "12h" (the default) and "43200001ms"',
    ],
    [
      ['--lifetime=1h'],
      { COATCHECK_IDLE_TIMEOUT: '2h' },
      '--lifetime must be at least COATCHECK_IDLE_TIMEOUT, got "1h" and "2h"',
    ],
    [
      ['--idle-timeout=2h'],
      { COATCHECK_LIFETIME: '1h' },
      'COATCHECK_LIFETIME must be at least --idle-timeout, got "1h" and "2h"',
    ],
    [
      ['--idle-timeout=30m', '--lifetime=1m'],
      {},
      '--lifetime must be at least --idle-timeout, got "1m" and "30m"',
    ],
    [
      ['--permanent-idle-timeout=32d'],
      {},
      '--permanent-lifetime must be at least --permanent-idle-timeout, got "31d" (the default) and "32d"',
    ],
    [
      [],
      { COATCHECK_PERMANENT_IDLE_TIMEOUT: '500d' },
      '--permanent-lifetime must be at least COATCHECK_PERMANENT_IDLE_TIMEOUT, got "31d" (the default) and "500d"',
    ],
  ] as const) {
    const [found = '', ...others] = faultsIn(env, ...given)
    assert.equal(others, [], fault)
    assert.ok(found.startsWith(fault + end), found)
  }
})

test('both pairs of limits are told when both are wrong', () => {
  assert.is(faultsIn({}, '--idle-timeout=30d', '--permanent-idle-timeout=60d').length, 2)
})

test('an idle timeout may be as long as its lifetime', () => {
  assert.is(settingsOf('--idle-timeout=12h').idleTimeoutMs, 43_200_000)
  const { idleTimeoutMs, lifetimeMs } = settingsOf('--idle-timeout=400d', '--lifetime=400d')
  assert.equal([idleTimeoutMs, lifetimeMs], [34_560_000_000, 34_560_000_000])
})

test('a lifetime under the idle timeout that nobody gave is what it says', () => {
  assert.is(settingsOf('--lifetime=1m').lifetimeMs, 60_000)
  assert.is(settingsOf('--permanent-lifetime=1d').permanentLifetimeMs, 86_400_000)
})

type Env = Readonly<Record<string, string>>

function faultsIn(env: Env, ...args: readonly string[]): readonly string[] {
  try {
    readSettings(args, env)
    return []
  } catch (error) {
    if (error instanceof SettingsError) return error.faults
    throw error
  }
}

function settingsOf(...args: readonly string[]): Settings {
  const command = readSettings(args, {})
  if (command.kind !== 'serve') throw new Error(`It is ${command.kind}`)
  return command.settings
}

test('the longest that the settings allow is the longest of a session in a body, or in a line', () => {
  const longest = { '--permanent-idle-timeout': '400d', '--permanent-lifetime': '400d' }
  const names = ['permanentIdleTimeoutMs', 'permanentLifetimeMs'] as const
  assert.is(readSome(names, longest, {}).permanentLifetimeMs, LONGEST_LIFETIME_MS)
  const idle = (ms: number) => [`--idle-timeout=${ms}ms`]
  assert.throws(
    () => readSettings(idle(LONGEST_IDLE_TIMEOUT_MS), {}),
    (error: unknown) => error instanceof SettingsError && /--lifetime must be/.test(error.message),
  )
  assert.throws(
    () => readSettings(idle(LONGEST_IDLE_TIMEOUT_MS + 1), {}),
    (error: unknown) => error instanceof SettingsError && /3650d/.test(error.message),
  )
})

test.run()
