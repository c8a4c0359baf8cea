import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type Flag, readCommandLine } from '../../lib/command-line/command-line.ts'

const test = suite('parser of the command line')

const FLAGS: readonly Flag[] = [
  { name: '--port', takesValue: true, expected: 'a port' },
  { name: '--sub', takesValue: true },
  { name: '--proxy', takesValue: true, bare: 'loopback' },
  { name: '--secret', takesValue: true, refusal: 'must come by the environment' },
  { name: '--json', takesValue: false },
  { name: '--help', aliases: ['-h'], takesValue: false },
]

test('an unknown flag is a fault that names the nearest one, and takes its value along', () => {
  for (const [args, fault] of [
    [['--prot', '80'], 'Unknown flag "--prot": did you mean --port?'],
    [['--PORT=80'], 'Unknown flag "--PORT": did you mean --port?'],
    [['-port', '80'], 'Unknown flag "-port": did you mean --port?'],
    [['-p'], 'Unknown flag "-p": see --help for the list'],
    [['-hj'], 'Unknown flag "-hj": see --help for the list'],
    [['--__proto__=1'], 'Unknown flag "--__proto__": see --help for the list'],
  ] as const) {
    assert.equal(read(args), { words: [], values: {}, faults: [fault] })
  }
})

test('an unknown flag and one that may go without a value leave a command alone', () => {
  assert.equal(read(['--frob', 'stats']).words, ['stats'])
  assert.equal(read(['--proxy', 'serve']), {
    words: ['serve'],
    values: { '--proxy': 'loopback' },
    faults: [],
  })
})

test('a missing value is a fault and takes no other flag', () => {
  for (const next of [[], ['--json'], ['-h'], ['--']]) {
    assert.equal(faultsOf('--port', ...next), ['--port must be a port, got nothing'])
    assert.equal(faultsOf('--sub', ...next), ['--sub must come with a value, got nothing'])
  }
})

test('a value where there is none is a fault', () => {
  assert.equal(faultsOf('--json=yes'), ['--json must come without a value, got "yes"'])
  assert.equal(faultsOf('--json='), ['--json must come without a value, got ""'])
})

test('a flag given twice is a fault', () => {
  assert.equal(faultsOf('--json', '--json'), ['--json must be given once'])
  assert.equal(faultsOf('--port', '1', '--port=1'), ['--port must be given once, got "1" and "1"'])
  assert.equal(faultsOf('--proxy', '--proxy=a'), [
    '--proxy must be given once, got nothing and "a"',
  ])
})

test('a list takes each of its values, in their order, and each must have one', () => {
  const flags: readonly Flag[] = [{ name: '--file', takesValue: true, isList: true }]
  const line = readCommandLine(['--file', 'b', 'word', '--file=a'], flags)
  assert.equal([...line.lists], [['--file', ['b', 'a']]])
  assert.equal([...line.values], [])
  assert.equal([line.words, line.faults], [['word'], []])
  assert.equal(readCommandLine(['--file', 'b', '--file'], flags).faults, [
    '--file must come with a value each time, got nothing',
  ])
  assert.equal([...readCommandLine([], flags).lists], [])
})

test('a flag that is refused shows nothing of its value', () => {
  const fault = '--secret must come by the environment'
  for (const args of [
    ['--secret', 'x'],
    ['--secret=x'],
    ['--secret', 'x', '--secret'],
    ['--secret'],
  ]) {
    assert.equal(read(args), { words: [], values: {}, faults: [fault] })
  }
})

test('all faults are told at once', () => {
  const faults = faultsOf('--json=1', '--port', '--frob', 'x', '--sub', 'a', '--sub', 'b')
  assert.is(faults.length, 4)
})

test('a value may begin with one dash, be empty, or hold an equals sign', () => {
  for (const value of ['-1', '-', '', 'a=b', ' ']) {
    assert.equal(read(['--sub', value]).values, { '--sub': value })
    assert.equal(read([`--sub=${value}`]).values, { '--sub': value })
  }
  assert.equal(read(['--sub=--json']).values, { '--sub': '--json' })
})

test('words keep their order, and everything after -- is a word', () => {
  assert.equal(read(['a', '--sub', 'x', '-', '--', '--json', '-h', '--']).words, [
    'a',
    '-',
    '--json',
    '-h',
    '--',
  ])
})

test('the place of the first word is known, whatever stands before it', () => {
  assert.is(readCommandLine(['--sub', 'stats', 'list', 'x'], FLAGS).firstWordAt, 2)
  assert.is(readCommandLine(['--', 'list'], FLAGS).firstWordAt, 1)
  assert.is(readCommandLine(['--json'], FLAGS).firstWordAt, -1)
})

test('a flag without a value is known by each of its names, also beside faults', () => {
  for (const name of ['-h', '--help']) {
    const { switches } = readCommandLine([name, name, '--frob'], FLAGS)
    assert.equal([...switches], ['--help'])
  }
})

test.run()

function read(args: readonly string[]) {
  const { words, values, faults } = readCommandLine(args, FLAGS)
  return { words, values: Object.fromEntries(values), faults }
}

function faultsOf(...args: string[]): readonly string[] {
  return read(args).faults
}
