import { execFile } from 'node:child_process'
import { connect } from 'node:net'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { makeFolder } from './process/spawn-server.ts'

const test = suite('runner')

const RUNNER = fileURLToPath(new URL('../run.ts', import.meta.url))

// What each fixture hides from uvu, and the reason that the runner gives.
const RED = {
  'failed-test': /one is not two/,
  'thrown-text': /threw 'a text'/,
  'before-hook': /Refused hook test\.before:/,
  'after-hook': /Refused hook test\.after:/,
  'after-each-hook': /Refused hook test\.after\.each:/,
  'forgotten-run': /Never ran "two"/,
  'late-test': /Never ran "two"/,
  'no-test': /The file has no test/,
  'empty-suite': /Suite "nothing" has no test/,
  'import-throws': /Cannot run the file: Error: the file fails/,
  'import-hangs': /Never settled while the file was imported/,
  only: /Refused test\.only\("one"\)/,
  rejection: /Unhandled rejection .*: Error: nobody waits/,
  exception: /Uncaught exception after the last test: Error: too late/,
  'bad-cookie':
    /Uncaught exception in "one": Error: A browser would not take this cookie.*not Secure/,
  exit: /process\.exit\(0\) was called in "one"/,
  'late-exit': /process\.exit\(0\) was called after the last test/,
  'exit-code': /Ended with exit code 3/,
  signal: /Ended by signal SIGKILL in "one"/,
  unsettled: /Never settled in "one"/,
  leak: /Left open 2 s after the last test: TCPServerWrap\n/,
}

// One run of all of them: a start of the runner takes longer than most of the files.
const redRun = run(...Object.keys(RED).map(fixture))

for (const [name, reason] of Object.entries(RED)) {
  test(`fixture ${name} is red, with its reason`, async () => {
    const { output } = await redRun
    const [, shown = ''] = output.split(`FAILED ${fixture(name)}: `)
    const [ownLines = ''] = shown.split(/^(?:PASSED|FAILED) /m)

    assert.match(ownLines, /^\d passed, [12] failed \(/)
    assert.match(ownLines, reason)
  })
}

test('the summary names the slowest files and every failure once more, then the verdict', async () => {
  const { code, output, lastLine } = await redRun
  const summary = output.slice(output.indexOf('\nThe slowest files:\n'))

  assert.is(code, 1)
  assert.match(summary, /^\nThe slowest files:\n(?: +\d+\.\d\d s tests\/\S+\n){10}FAILURE /)
  assert.match(summary, `FAILURE ${fixture('failed-test')}: "two"\n    one is not two\n    ++2`)
  assert.match(summary, `FAILURE ${fixture('signal')}: Ended by signal SIGKILL in "one"\n`)
  for (const name of Object.keys(RED)) assert.match(summary, `FAILURE ${fixture(name)}: `)
  assert.match(lastLine, /^\d+ passed, \d+ failed$/)
})

test('a time-out is red, names the test and ends what the file started', async () => {
  const { code, output, lastLine } = await run(fixture('time-out'), '--time-limit-ms=4000')

  assert.is(code, 1, output)
  assert.match(output, 'Timed out after 4 s in "loops for ever"')
  assert.is(lastLine, '0 passed, 1 failed')
  const port = Number(/listening on (\d+)/.exec(output)?.[1])
  assert.is(await errorOfConnecting(port), 'ECONNREFUSED')
})

test('a pattern that matches no file is red', async () => {
  const { code, output, lastLine } = await run('no-such-file')

  assert.is(code, 1)
  assert.match(output, 'No test file matches "no-such-file"')
  assert.is(lastLine, '0 passed, 1 failed')
})

test('--all takes no pattern', async () => {
  const { code, lastLine } = await run('--all', fixture('green'))

  assert.is(code, 1)
  assert.is(lastLine, '0 passed, 1 failed')
})

test('an unknown option is red', async () => {
  const { code, lastLine } = await run('--time-limit', '1')

  assert.is(code, 1)
  assert.is(lastLine, '0 passed, 1 failed')
})

test('one red file among green ones is red', async () => {
  const { code, lastLine } = await run(fixture('green'), fixture('failed-test'), fixture('exit'))

  assert.is(code, 1)
  assert.is(lastLine, '3 passed, 2 failed')
})

test('a green file is green, and its output is not shown', async () => {
  const { code, output } = await run(fixture('green'))

  assert.is(code, 0)
  assert.match(
    output,
    /^PASSED tests\/fixtures\/runner\/green\.ts: 2 passed, 0 failed \(\d\.\d\d s\)\n2 passed, 0 failed\n$/,
  )
})

test('what a file leaves in the folder for temporary files is removed', async () => {
  const folder = makeFolder()
  const { code } = await run(fixture('leaves-files'), fixture('signal'))

  assert.is(code, 1)
  assert.is(dirname(folder), tmpdir())
  assert.equal(readdirSync(tmpdir()), [basename(folder)])
})

test('with --title only the tests run that have such a part in their titles', async () => {
  const some = await run(fixture('green'), '--title=wo', '--title=three')
  assert.equal([some.code, some.lastLine], [0, '1 passed, 0 failed'])
  const none = await run(fixture('green'), '--title=three')
  assert.equal([none.code, none.lastLine], [1, '0 passed, 1 failed'])
  assert.match(none.output, 'The file has no test')
})

test('a skipped test is green and shows its reason', async () => {
  const { code, output, lastLine } = await run(fixture('skipped'))

  assert.is(code, 0)
  assert.match(output, '\nSKIPPED nginx agrees: nginx is not installed\n')
  assert.is(lastLine, '1 passed, 0 failed, 1 skipped')
})

test.run()

function fixture(name: string): string {
  return `tests/fixtures/runner/${name}.ts`
}

type Run = { code: number | null; output: string; lastLine: string }

function run(...args: string[]): Promise<Run> {
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [RUNNER, ...args], (_error, stdout, stderr) => {
      const lastLine = stdout.trimEnd().split('\n').at(-1) ?? ''
      resolve({ code: child.exitCode, output: stdout + stderr, lastLine })
    })
  })
}

async function errorOfConnecting(port: number): Promise<string | undefined> {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return undefined
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : undefined
  } finally {
    socket.destroy()
  }
}
