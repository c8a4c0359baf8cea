/** The words that a person types, right and wrong, as the running program takes them. */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { COMMANDS } from '../../lib/command-line/command-names.ts'
import { EXIT } from '../../lib/command-line/exit-codes.ts'
import { UsageError } from '../../lib/command-line/usage-error.ts'
import { renderUsage } from '../../lib/commands/command.ts'
import { commands } from '../../lib/commands/commands.ts'
import { renderTopics } from '../../lib/help/topics.ts'
import { readCalled } from '../../lib/program/called.ts'
import { readSettings } from '../../lib/settings/settings.ts'
import { renderHelp } from '../../lib/settings/settings-help.ts'
import { runHere } from '../kit/process/run-here.ts'
import { makeFolder, PROGRAM, runServer, spawnServer } from '../kit/process/spawn-server.ts'

const test = suite('command line')

test('a command that is not there is told the one that was meant', () => {
  const meant = {
    bakup: 'backup',
    stat: 'stats',
    shwo: 'show',
    Key: 'key',
    ls: 'list',
    start: 'serve',
    rm: 'end',
    verison: 'version',
    hlep: 'help',
  }
  for (const [word, command] of Object.entries(meant)) {
    assert.is(refusalOf([word]), `Unknown command "${word}": did you mean ${command}?`)
    // There is a page on how to start.
    if (word === 'start') continue
    assert.is(refusalOf(['help', word]), `Unknown command "${word}": did you mean ${command}?`)
  }
  for (const word of ['Sesions', 'sesion']) {
    assert.is(refusalOf(['help', word]), `Unknown topic "${word}": did you mean sessions?`)
  }
  assert.match(
    refusalOf(['help', 'redis']),
    /the commands are serve, .*; the topics are api-keys, api, /,
  )
  assert.match(refusalOf(['redis']), 'the commands are serve, help, version, backup, check')
  assert.match(refusalOf(['constructor']), 'the commands are serve')
})

test('a word that a command does not take is told how what was meant is given', async () => {
  assert.is(refusalOf(['8080']), 'Unexpected argument "8080": did you mean --port 8080?')
  for (const [name, wayOut] of [
    [
      'check',
      /Unexpected argument "x\.db": the data is named with --data FILE or --store ADDRESS; usage: check/,
    ],
    ['stats', /--data FILE/],
    ['list', /--data FILE/],
    ['export', /--data FILE/],
    ['import', /import < FILE/],
    ['healthcheck', /--host and --port/],
  ] as const) {
    const command = commands.get(name)
    assert.ok(command !== undefined)
    assert.match((await runHere(command, ['x.db'])).refusal, wayOut)
  }
})

test('a refusal names the help of its command, and none where the words were right', async () => {
  const path = join(makeFolder(), 'sessions.db')
  for (const [args, exitCode, help] of [
    [['key', 'new', 'a b'], EXIT.usage, 'key --help'],
    [['restore', path], EXIT.usage, 'restore --help'],
    [['stats', '--data='], EXIT.usage, 'stats --help'],
    [['key', 'revoke', 'nobody'], EXIT.notFound, undefined],
  ] as const) {
    const server = await runServer(['import', '--lenient', '--data', path])
    assert.is(server.code, 0)
    const named = args.some((arg: string) => arg === '--data=') ? [] : ['--data', path]
    const { code, stderr } = await run([...args, ...named])
    assert.is(code, exitCode, stderr)
    const line = stderr.trimEnd().split('\n').at(-1) ?? ''
    if (help === undefined) assert.not.match(line, '--help')
    else assert.match(line, new RegExp(`^See (npx )?coatcheck ${help}$`))
  }
})

test('a folder or an empty file in the place of a file is told as what it is', async () => {
  const folder = makeFolder()
  const file = join(folder, 'empty.db')
  writeFileSync(file, '')
  for (const [args, code, reason] of [
    [['stats', '--data', folder], 73, 'it is a folder'],
    [['import', '--data', folder], 73, 'it is a folder'],
    [['restore', folder, '--data', join(folder, 'a.db')], 73, 'it is a folder'],
    [['stats', '--data', file], 65, 'it is empty'],
    [['key', 'list', '--data', file], 65, 'it is empty'],
  ] as const) {
    const ended = await run(args)
    assert.is(ended.code, code, ended.stderr)
    assert.match(ended.stderr, reason)
  }
})

test('flags may stand before the word, and a value is not taken for it', () => {
  for (const [args, word, rest] of [
    [['--data', 'list', 'show', 'x'], 'show', ['--data', 'list', 'x']],
    [['--data=list', 'show'], 'show', ['--data=list']],
    [['--json', 'stats'], 'stats', ['--json']],
    [['--sub', 'ada', 'list'], 'list', ['--sub', 'ada']],
    [['--wrong', 'stats'], 'stats', ['--wrong']],
    [['-h', 'backup'], 'backup', ['-h']],
  ] as const) {
    const called = readCalled(args, commands)
    assert.is(called.kind === 'command' && called.command, commands.get(word), args.join(' '))
    assert.equal(called.kind === 'command' && called.args, rest)
  }
  for (const args of [['--port', '80'], ['--trust-proxy'], ['--trust-proxy', 'serve'], ['serve']]) {
    assert.equal(readCalled(args, commands), { kind: 'serve', args })
  }
})

test('help is of everything or of a command, whichever way it is asked for', async () => {
  const general = `${renderHelp()}\n${renderTopics()}`
  for (const args of [['help'], ['--help'], ['help', 'serve']]) {
    assert.equal(await run(args), { code: 0, stdout: general, stderr: '' }, args.join(' '))
  }
  for (const args of [
    ['help', 'backup'],
    ['backup', '--help'],
    ['-h', 'backup'],
  ]) {
    const { code, stdout } = await run(args)
    assert.is(code, 0)
    assert.match(stdout, 'coatcheck backup FILE')
  }
  assert.is((await run(['help', 'backup', 'now'])).code, 64)
})

test('help of a topic is its page, without colours where stdout is no terminal', async () => {
  const { code, stdout, stderr } = await run(['help', 'operating'])
  assert.equal([code, stderr], [0, ''])
  assert.match(stdout, /^Operating Coatcheck\n═+\n\nYou get: /)
  assert.not.match(stdout, /\u001b|<!--/)
  assert.is((await run(['help', 'operating', 'backup'])).code, 64)
})

test('a reader that goes before the end of a page leaves nothing on stderr', () => {
  // The shell's own `:` has gone long before the program writes.
  const command = '{ "$@" help changelog; echo "exit $?" >&2; } | :'
  const args = ['-c', command, 'sh', ...PROGRAM]
  const { stdout, stderr } = spawnSync('sh', args, { encoding: 'utf8' })
  assert.equal([stdout, stderr], ['', 'exit 0\n'])
})

test('no line of any help is longer than 80 columns', () => {
  const texts = [`${renderHelp()}\n${renderTopics()}`, ...[...commands.values()].map(renderUsage)]
  assert.is(texts.length, Object.keys(COMMANDS).length + 1)
  const lines = texts.flatMap((text) => text.split('\n'))
  assert.equal(
    lines.filter((line) => line.length > 80 || line.endsWith(' ')),
    [],
  )
})

test('the version is printed for each word for it', async () => {
  for (const args of [['version'], ['-V']]) {
    const { code, stdout } = await run(args)
    assert.is(code, 0)
    assert.match(stdout, /^\d+\.\d+\.\d+\n$/)
  }
})

test('what is wrong goes to stderr with 64, and nothing to stdout', async () => {
  for (const [args, reason] of [
    [['bakup'], 'did you mean backup?'],
    [['list', '--jsn'], 'Unknown flag "--jsn": did you mean --json?'],
    [['--prot', '8080'], 'did you mean --port?'],
  ] as const) {
    const { code, stdout, stderr } = await run(args)
    assert.is(code, 64, args.join(' '))
    assert.is(stdout, '')
    assert.ok(stderr.includes(reason), stderr)
    assert.match(stderr, /\nSee (npx )?coatcheck .*--help\n$/)
  }
})

test('a command refuses flags and words that it does not know, or not so', async () => {
  for (const [name, args, reason] of [
    ['key', [], 'usage: key new NAME'],
    ['list', ['--data', 'a', '--data=a'], '--data must be given once'],
    ['list', ['--json', '--json'], '--json must be given once'],
    ['list', ['--json=yes'], '--json must come without a value, got "yes"'],
    ['list', ['--sub', '--json'], '--sub must come with a value, got nothing'],
    ['list', ['--sub'], '--sub must come with a value, got nothing'],
    ['list', ['--port', '8080'], 'Unknown flag "--port"'],
    ['list', ['--__proto__=1'], 'Unknown flag "--__proto__"'],
    ['backup', ['-'], '"-" stands for'],
    ['restore', ['-'], '"-" stands for'],
    ['completion', ['tcsh'], 'usage: completion bash|zsh|fish'],
  ] as const) {
    const command = commands.get(name)
    assert.ok(command)
    assert.match((await runHere(command, args)).refusal, reason, `${name} ${args.join(' ')}`)
  }
  assert.is(existsSync('-'), false)
})

test('npm start tells which flags npm has kept, and that commands go another way', () => {
  const env = { npm_lifecycle_event: 'start', npm_package_name: 'coatcheck' }
  const kept = { ...env, npm_config_port: 'true', npm_config_trust_proxy: 'loopback' }
  assert.is(
    refusalOf(['serve', '8080'], kept),
    'npm took --port, --trust-proxy for its own: put "--" first, as in npm start -- --port … --trust-proxy …',
  )
  assert.is(
    refusalOf(['serve', 'export', '--json'], env),
    '"npm start" only serves: for this command type npx coatcheck export …',
  )
  // Another project's npm that starts a Coatcheck.
  const others = { ...kept, npm_package_name: 'shop' }
  assert.is(readSettings(['--port', '80'], others).kind, 'serve')
  assert.is(readSettings(['--help'], env).kind, 'help')
})

test('a folder that was removed since is told, for the server and for commands', async () => {
  for (const args of [['list'], ['--port', '0'], ['--data', '/nowhere/s.db', 'stats']]) {
    const folder = join(makeFolder(), 'gone')
    mkdirSync(folder)
    const inFolder = ['sh', '-c', 'cd "$0" && rmdir "$0" && exec "$@"', folder]
    const { code, stdout, stderr } = await runServer(args, {}, inFolder)
    assert.is(code, 73)
    assert.is(stdout, '')
    assert.match(
      stderr,
      /^Cannot start: the folder that this was called from has been removed; .*\n$/,
    )
    rmSync(folder, { recursive: true, force: true })
  }
})

test('import makes the data file where there is none, and its folder', async () => {
  const folder = makeFolder()
  const data = join(folder, 'new', 'sessions.db')
  const dump = join(folder, 'dump.ndjson')
  const now = new Date().toISOString()
  const limits = { idleTimeoutMs: 3_600_000, lifetimeMs: 3_600_000 }
  const session = { id: 'a'.repeat(21), createdAt: now, lastSeenAt: now, ...limits }
  writeFileSync(dump, `${JSON.stringify(session)}\n`)
  const importDump = async (...flags: string[]) => {
    const fromDump = ['sh', '-c', 'exec "$@" < "$0"', dump]
    return await runServer(['import', ...flags, '--data', data], {}, fromDump)
  }
  const counts = (imported: number, there: number) =>
    `${imported}; left out ${there} that were there, 0 expired and 0 wrong\n`

  const dry = await importDump('--dry-run')
  assert.equal([dry.code, dry.stdout], [0, `Would import ${counts(1, 0)}`])
  assert.equal(readdirSync(folder), ['dump.ndjson'])

  const { code, stdout } = await importDump()
  assert.equal([code, stdout], [0, `Imported ${counts(1, 0)}`])
  const server = await spawnServer(['--data', data])
  const again = await importDump()
  assert.equal([again.code, again.stdout], [0, `Imported ${counts(0, 1)}`])
  server.kill('SIGTERM')
  assert.is((await server.ended).code, 0)
})

test('import of nothing is told, and is 65', async () => {
  const { code, stdout, stderr } = await run(['import', '--data', join(makeFolder(), 's.db')])
  assert.is(code, 65)
  assert.is(stdout, 'Imported 0; left out 0 that were there, 0 expired and 0 wrong\n')
  assert.match(stderr, /\nThere is nothing to import: stdin holds no session\n$/)
})

async function run(args: readonly string[]) {
  const { code, stdout, stderr } = await runServer(args)
  return { code, stdout, stderr }
}

/** The one fault of these words. */
function refusalOf(args: readonly string[], env: Record<string, string> = {}): string {
  try {
    const called = readCalled(args, commands)
    if (called.kind === 'serve') readSettings(called.args, env)
    return `none, but ${called.kind}`
  } catch (error) {
    if (error instanceof UsageError && error.faults.length === 1) return error.faults[0] ?? ''
    throw error
  }
}

test.run()
