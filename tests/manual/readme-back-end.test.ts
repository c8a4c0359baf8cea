/** What the README tells the authors of back ends, run as printed against a server that runs. */
import { execFile } from 'node:child_process'
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { skip } from '../kit/runner/skip.ts'
import { makeFolder, type RunningServer, spawnServer } from '../kit/process/spawn-server.ts'

const README = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')
const SECTION = /^## From your back end\n([^]*?)^## /m.exec(README)?.[1] ?? ''
const ADDRESS = 'http://127.0.0.1:7377'
const KEY_PATH = 'data/sessions.db.api-key'
/** Between what one command prints and what the next does. */
const MARK = '--- next ---'

const run = promisify(execFile)

const test = suite('readme, from your back end')

test('README prints what curl prints', async () => {
  const back = await openBackEnd()
  const steps = blockOf('console').split(/^\$ /m).slice(1)
  assert.is(steps.length, 6)
  const parts = steps.map((step) => step.split('\n'))
  const commands = parts.map(([command = '']) => back.substitute(command))
  const printed = parts.map(([, ...lines]) => lines.join('\n'))

  // The token is another one each time: the answer to the log-in tells the commands after it.
  const [logIn = '', ...later] = commands.slice(1)
  const first = await runShell([commands[0] ?? '', logIn])
  const token = tokenIn(first[1] ?? '')
  const given = later.map((command) => command.replaceAll(tokenIn(printed[1] ?? ''), token))
  const rest = await runShell([commands[0] ?? '', ...given])

  const answers = [...first, ...rest.slice(1)]
  assert.equal(answers.map(steady), printed.map(steady))
  await back.close()
})

test('README says in its Python what it prints, in at most ten lines of the standard library', async () => {
  const python = await findPython()
  const program = blockOf('python')
  assert.ok(program.trim().split('\n').length <= 10)
  const back = await openBackEnd()
  const env = { ...process.env, COATCHECK_API_KEY: back.key }
  const { stdout } = await run(python, ['-c', back.substitute(program)], { env })
  assert.equal(stdout.trim().split('\n'), promisedBy(program, '#'))
  await back.close()
})

test('README says in its JavaScript what it prints, in at most ten lines without a package', async () => {
  const program = blockOf('js')
  assert.ok(program.trim().split('\n').length <= 10)
  const back = await openBackEnd()
  const env = { ...process.env, COATCHECK_API_KEY: back.key }
  const args = ['--input-type=module', '-e', back.substitute(program)]
  const { stdout } = await run(process.execPath, args, { env })
  assert.equal(stdout.trim().split('\n'), promisedBy(program, '//'))
  await back.close()
})

test('README names the place of the first key, which the server prints once and keeps from others', async () => {
  const back = await openBackEnd()
  assert.match(SECTION, `\`${KEY_PATH}\``)
  assert.match(back.server.stdout(), back.keyPath)
  assert.not.match(back.server.stdout() + back.server.stderr(), back.key)
  assert.is(statSync(back.keyPath).mode & 0o777, 0o600)
  await back.close()

  const again = await spawnServer(['--data', back.dataPath])
  assert.not.match(again.stdout(), back.keyPath)
  again.kill('SIGTERM')
  await again.ended
})

type BackEnd = {
  readonly server: RunningServer
  readonly dataPath: string
  readonly keyPath: string
  readonly key: string
  /** The text with this server's address and key in place of those that the README has. */
  substitute(text: string): string
  close(): Promise<void>
}

/** A server at its first start, and the key that it made. */
async function openBackEnd(): Promise<BackEnd> {
  const dataPath = join(makeFolder(), 'sessions.db')
  const keyPath = `${dataPath}.api-key`
  const server = await spawnServer(['--data', dataPath])
  return {
    server,
    dataPath,
    keyPath,
    key: readFileSync(keyPath, 'utf8').trim(),
    substitute: (text) => text.replaceAll(ADDRESS, server.url).replaceAll(KEY_PATH, keyPath),
    async close() {
      server.kill('SIGTERM')
      await server.ended
    },
  }
}

/** The one block of the section in this language. */
function blockOf(language: string): string {
  const blocks = [...SECTION.matchAll(new RegExp(`^\`\`\`${language}\n([^]*?)^\`\`\``, 'gm'))]
  assert.is(blocks.length, 1, language)
  return blocks[0]?.[1] ?? ''
}

/** Runs the commands in one shell, so that what one exports the next has; what each prints. */
async function runShell(commands: readonly string[]): Promise<string[]> {
  const script = commands.join(`\necho; echo '${MARK}'\n`)
  const { stdout } = await run('sh', ['-c', script])
  return stdout.split(MARK)
}

async function findPython(): Promise<string> {
  for (const name of ['python3', 'python']) {
    const found = await run(name, ['-c', 'import sys; print(sys.version_info[0])']).catch(
      () => null,
    )
    if (found?.stdout.trim() === '3') return name
  }
  return skip('python3 is not installed')
}

/** What the comments behind its `print` or `console.log` promise. */
function promisedBy(program: string, comment: string): string[] {
  const lines = program.split('\n').filter((line) => /^(print|console\.log)\(/.test(line))
  return lines.map((line) => line.slice(line.lastIndexOf(`${comment} `) + comment.length + 1))
}

function tokenIn(answer: string): string {
  const { token }: { token?: string } = JSON.parse(answer)
  return token ?? ''
}

/** Without what differs from run to run. */
function steady(text: string): string {
  return text
    .replace(/sid=[^;]*/, 'sid=TOKEN')
    .replace(/"token":"[^"]*"/, '"token":"TOKEN"')
    .replace(/"id":"[^"]*"/, '"id":"ID"')
    .replace(/"userAgent":"curl\/[^"]*"/, '"userAgent":"CURL"')
    .replace(/\d{4}-\d\d-\d\dT[\d:.]*Z/g, 'TIME')
    .trim()
}

test.run()
