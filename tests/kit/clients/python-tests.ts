/** Tests that are written in Python, of `lib/clients/python/coatcheck.py`, as tests of this runner. */
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Test } from 'uvu'
import * as assert from 'uvu/assert'
import { makeFolder, type RunningServer, spawnServer } from '../process/spawn-server.ts'
import { skip } from '../runner/skip.ts'

const CLIENT = fileURLToPath(new URL('../../../lib/clients/python/', import.meta.url))
const TESTS = fileURLToPath(new URL('../../clients/python/', import.meta.url))

export const API_KEY = 'ck_of_the_python_tests_0123456789'

export type Python = {
  readonly program: string
  /** As in `Python 3.11.2, flask 2.2.2`. */
  readonly name: string
}

/**
 * The Pythons here that have these modules, Debian's own first. An empty list where there is none: its
 * tests are to say that they were skipped.
 */
export async function findPythons(modules: readonly string[]): Promise<readonly Python[]> {
  // The version of a module that has no attribute for it is that of its package.
  const program = `
import platform, sys
from importlib import import_module, metadata
names = sys.argv[1:]
list(map(import_module, names))
assert sys.version_info >= (3, 9)
versions = [f"{name} {metadata.version(name)}" for name in names]
print(sys.executable, ", ".join(["Python " + platform.python_version()] + versions), sep="|")`
  const found = new Map<string, Python>()
  for (const name of ['/usr/bin/python3', 'python3']) {
    const ran = await run(name, ['-c', program, ...modules]).catch(() => undefined)
    const [path = '', title = ''] = ran?.stdout.trim().split('|') ?? []
    if (path !== '') found.set(title, { program: path, name: title })
  }
  return [...found.values()]
}

/**
 * Adds each test of a module in `tests/clients/python/`, on each Python that has what it needs, with its
 * first line of documentation as its title. With `server` they have a Coatcheck of their own in their
 * environment.
 */
export async function addPythonTests(
  test: Test,
  module: string,
  options: { readonly needs?: readonly string[]; readonly server?: boolean } = {},
): Promise<void> {
  const { needs = [], server = false } = options
  const names = readTests(module)
  assert.ok(names.length > 0, module)
  const pythons = await findPythons(needs)
  if (pythons.length === 0) {
    const what = ['python3', ...needs].join(' with ')
    for (const { title } of names) test(title, () => skip(`${what} is not installed`))
  }
  for (const python of pythons) {
    let outcomes: Promise<ReadonlyMap<string, readonly Outcome[]>> | undefined
    for (const { name, title } of names) {
      test(`${title} (${python.name})`, async () => {
        const all = await (outcomes ??= runTests(python, module, server))
        const own = all.get(name) ?? [{ name, outcome: 'failed', text: 'It did not run' }]
        const failed = own.find(({ outcome }) => outcome === 'failed')
        if (failed !== undefined) throw new Error(failed.text)
        const skipped = own.find(({ outcome }) => outcome === 'skipped')
        if (skipped !== undefined) skip(skipped.text)
      })
    }
  }
}

/** What a Python needs to run our files, beside where a server is. */
export function pythonEnvironment(more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  return {
    PATH: process.env['PATH'],
    PYTHONPATH: [CLIENT, TESTS].join(':'),
    // Or it would keep what it has compiled among our files.
    PYTHONDONTWRITEBYTECODE: '1',
    ...more,
  }
}

/** Calls `use` with the variables by which a Python program finds a Coatcheck that was started for it. */
export async function withServer<T>(use: (env: NodeJS.ProcessEnv) => Promise<T>): Promise<T> {
  const data = join(makeFolder(), 'sessions.db')
  const server: RunningServer = await spawnServer(['--data', data], { COATCHECK_API_KEY: API_KEY })
  try {
    return await use({ COATCHECK_URL: server.url, COATCHECK_API_KEY: API_KEY })
  } finally {
    server.kill('SIGTERM')
    await server.ended
  }
}

type Outcome = {
  readonly name: string
  readonly outcome: 'passed' | 'failed' | 'skipped'
  readonly text: string
}

function readTests(module: string): { readonly name: string; readonly title: string }[] {
  const source = readFileSync(join(TESTS, `${module}.py`), 'utf8')
  return [...source.matchAll(/^ {4}def (test_\w+)\(self\):\n(?: +"""(.+?)"""\n)?/gm)].map(
    ([, name = '', title]) => {
      if (title === undefined) throw new Error(`${module}.py: ${name} says nothing of itself`)
      return { name, title }
    },
  )
}

async function runTests(
  python: Python,
  module: string,
  server: boolean,
): Promise<ReadonlyMap<string, readonly Outcome[]>> {
  const work = async (env: NodeJS.ProcessEnv): Promise<string> => {
    const args = ['-W', 'error::ResourceWarning', join(TESTS, 'report_tests.py'), module]
    return (await run(python.program, args, pythonEnvironment(env))).stdout
  }
  const printed = server ? await withServer(work) : await work({})
  const outcomes = printed
    .split('\n')
    .filter((line) => line.startsWith('{"name"'))
    .map((line) => JSON.parse(line) as Outcome)
  return Map.groupBy(outcomes, ({ name }) => name)
}

function run(program: string, args: readonly string[], env?: NodeJS.ProcessEnv) {
  return promisify(execFile)(program, args, { env, maxBuffer: 64 * 1024 * 1024 })
}
