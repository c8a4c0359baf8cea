/** What testing.md tells to type is typed, and the files that it shows are run by the tools that they are for. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type Page, readPage, ROOT } from '../kit/manual/page.ts'
import { makePlace, runPage } from '../kit/manual/run-page.ts'
import { findFreePort } from '../kit/proxies/listening-process.ts'
import { skip } from '../kit/runner/skip.ts'

const test = suite('testing.md')

const PAGE = readPage('testing.md')

test('testing.md prints what curl prints', async () => {
  assert.equal(await runPage(PAGE), { compared: 7, ran: 0, servers: 1, notRun: 0 })
})

test('its Playwright files test its app, and notice an app that forgets nobody', async () => {
  if (spawnSync('chromium', ['--version']).status !== 0) skip('chromium is not installed')
  const ports = { '7377': await findFreePort(), '8080': await findFreePort() }
  const [app = '', config = '', spec = ''] = filesOf(PAGE, 'js')
  const installed = "launchOptions: { executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] }"
  const files = {
    'app.js': app,
    'playwright.config.js': config.replace('use: {', `use: { ${installed},`),
    'session.spec.js': spec,
  }
  for (const name of Object.keys(files)) assert.match(PAGE.text, `\`${name}\``)
  const playwright = ['node_modules/@playwright/test/cli.js', 'test', '--reporter=line']
  const sound = await runIn(files, ports, [process.execPath, ...playwright])
  assert.is(sound.code, 0, sound.output)
  assert.match(sound.output, '1 passed')

  const forgetful = { ...files, 'app.js': app.replace('answer.ok ?', "'ada' ?") }
  const broken = await runIn(forgetful, ports, [process.execPath, ...playwright])
  assert.is(broken.code, 1, broken.output)
  assert.match(broken.output, '1 failed')
})

test('its pytest files pass', async () => {
  if (spawnSync('python3', ['-m', 'pytest', '--version']).status !== 0) {
    skip('pytest is not installed')
  }
  const [fixtures = '', tests = ''] = filesOf(PAGE, 'python')
  const files = { 'conftest.py': fixtures, 'test_session.py': tests }
  for (const name of Object.keys(files)) assert.match(PAGE.text, `\`${name}\``)
  const pytest = ['python3', '-m', 'pytest', '-q', '-p', 'no:cacheprovider']
  const { code, output } = await runIn(files, { '7377': await findFreePort() }, pytest)
  assert.is(code, 0, output)
  assert.match(output, '1 passed')
})

test('its file for node:test passes', async () => {
  const files = { 'session.test.js': filesOf(PAGE, 'js')[3] ?? '' }
  assert.match(PAGE.text, '`session.test.js`')
  const { code, output } = await runIn(files, {}, [process.execPath, '--test'])
  assert.is(code, 0, output)
  assert.match(output, /pass 1\b/)
})

test.run()

/** The files of a language, in the order of the page. */
function filesOf({ blocks }: Page, language: string): string[] {
  return blocks.filter((block) => block.language === language).map(({ text }) => text)
}

/** Runs a command among these files, with other ports than those of the page, and `coatcheck` at hand. */
async function runIn(
  files: Readonly<Record<string, string>>,
  ports: Readonly<Record<string, number>>,
  [command = '', ...args]: readonly string[],
): Promise<{ readonly code: number | null; readonly output: string }> {
  const { folder, env } = makePlace()
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'))
  for (const [name, text] of Object.entries(files)) {
    const placed = Object.entries(ports).reduce(
      (changed, [port, free]) => changed.replaceAll(port, String(free)),
      text,
    )
    writeFileSync(join(folder, name), placed)
  }
  const path = `${env['PATH']}`.replace(':', `:${dirname(process.execPath)}:`)
  // Where a command names no port.
  const port = ports['7377'] === undefined ? {} : { COATCHECK_PORT: String(ports['7377']) }
  const child: ChildProcess = spawn(command, args, {
    cwd: folder,
    env: { ...env, ...port, PATH: path, PYTHONDONTWRITEBYTECODE: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => (output += text))
  }
  const [code]: readonly (number | null)[] = await once(child, 'close')
  return { code: code ?? null, output }
}
