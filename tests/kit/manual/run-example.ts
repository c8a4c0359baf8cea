/** Starts an application as a page of the manual has it, from the packed client, against a server of its own. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { buildClientPackage } from '../../../lib/build/client-package.ts'
import { findFreePort } from '../../bench/machine/processes.ts'
import { CLIENT_PACKAGES, needClientPackages } from '../clients/client-packages.ts'
import { API_KEY } from '../process/open-server.ts'
import { makeFolder, type RunningServer, spawnServer } from '../process/spawn-server.ts'
import type { Page } from './page.ts'

export type Example = {
  /** Where the application listens; what the page calls port 3000. */
  readonly url: string
  readonly server: RunningServer
  /** With the files of the page, and `node_modules`. */
  readonly folder: string
  /** What the application has printed. */
  readonly output: () => string
}

export type ExampleOptions = {
  /** What is run in its folder: `['app.js']`. */
  readonly args: readonly string[]
  /** The port that the page names. */
  readonly port?: number
  /** Whether it listens; one that does not is waited for to its end. */
  readonly listens?: boolean
}

const START_LIMIT_MS = 20_000

/** Ends both processes after `use`, and removes what they have written. */
export async function withExample(
  page: Page,
  { args, port = 3000, listens = true }: ExampleOptions,
  use: (example: Example) => Promise<void>,
): Promise<void> {
  await needClientPackages()
  const folder = makeFolder()
  const data = join(folder, 'data', 'sessions.db')
  mkdirSync(join(folder, 'data'))
  const server = await spawnServer(['--data', data], { COATCHECK_API_KEY: API_KEY })
  let app: ChildProcess | undefined
  try {
    const ownPort = await findFreePort()
    const here = (text: string) =>
      text
        .replaceAll('127.0.0.1:7377', new URL(server.url).host)
        .replaceAll(String(port), String(ownPort))
    for (const [name, text] of filesOf(page)) writeFileSync(join(folder, name), here(text))
    writeFileSync(join(folder, 'package.json'), '{"private":true,"type":"module"}')
    await installPackages(join(folder, 'node_modules'))
    const env = {
      PATH: process.env['PATH'],
      COATCHECK_API_KEY: API_KEY,
      COOKIE_SECRET: 'a secret of the tests, long enough',
      AUTH_SECRET: 'another secret of the tests, long enough',
    }
    app = spawn(process.execPath, args.map(here), { cwd: folder, env })
    let output = ''
    for (const stream of [app.stdout, app.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => (output += text))
    }
    const url = `http://127.0.0.1:${ownPort}`
    if (listens) await waitUntilUp(url, app, () => output)
    else await once(app, 'close')
    await use({ url, server, folder, output: () => output })
  } finally {
    if (app !== undefined && app.exitCode === null) {
      const ended = once(app, 'exit')
      app.kill()
      await ended
    }
    server.kill('SIGTERM')
    await server.ended
    rmSync(folder, { recursive: true })
  }
}

/** The blocks that begin with `// NAME.js`, by their name; a page of HTML is `index.html`. */
export function filesOf({ blocks }: Page): Map<string, string> {
  const files = new Map<string, string>()
  for (const { language, text } of blocks) {
    const name = /^\/\/ ([\w.-]+\.js)\n/.exec(text)?.[1]
    if (language === 'js' && name !== undefined) files.set(name, text)
    if (language === 'html') files.set('index.html', text)
  }
  return files
}

async function installPackages(target: string): Promise<void> {
  mkdirSync(target)
  const source = join(CLIENT_PACKAGES, 'node_modules')
  for (const name of readdirSync(source)) {
    if (!name.startsWith('.')) symlinkSync(join(source, name), join(target, name))
  }
  await buildClientPackage(join(target, 'coatcheck-client'))
}

async function waitUntilUp(url: string, app: ChildProcess, output: () => string): Promise<void> {
  const latest = performance.now() + START_LIMIT_MS
  for (;;) {
    const answer = await fetch(url).catch(() => undefined)
    if (answer !== undefined) return
    if (app.exitCode !== null || performance.now() > latest) {
      throw new Error(`The application did not start: ${output()}`)
    }
    await wait(50)
  }
}
