/** Flask's and Django's own tests, with sessions in Coatcheck. */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import {
  findPythons,
  type Python,
  pythonEnvironment,
  withServer,
} from '../../kit/clients/python-tests.ts'
import { fetchDebianSource, findDebianVersion, findSuite } from '../../kit/clients/suites.ts'
import { skip } from '../../kit/runner/skip.ts'

const test = suite('foreign suites in Python')

const HERE = fileURLToPath(new URL('.', import.meta.url))

/** About the key that signs Flask's cookies: ours are not signed, and need none. */
const FLASK_FAILURES = new Set([
  'test_missing_session',
  'test_session_transactions_no_null_sessions',
  'test_session_secret_key_fallbacks',
])

/** It looks for the session in the database. */
const DJANGO_FAILURES = ['test_empty_session_saved']

test('Flask passes its own tests, but for those about the key of signed cookies', async () => {
  const python = await requirePython(['flask', 'pytest'])
  const source = await requireSource('flask', 'flask', 'tests/test_basic.py', 'python3-flask')
  const before = await runFlaskSuite(python, source, [], {})
  const after = await withServer((env) =>
    runFlaskSuite(python, source, ['-p', 'flask_suite_plugin'], env),
  )
  // Some fail here without us, for want of a package.
  const failures = after.failed.filter((name) => !before.failed.includes(name))
  assert.equal(
    failures.filter((name) => !FLASK_FAILURES.has(name)),
    [],
    after.output,
  )
  assert.ok(before.passed > 400, before.output)
  assert.is(after.passed, before.passed - failures.length)
})

test('Django passes its own tests of a session store, but for one that asks the database', async () => {
  const python = await requirePython(['django'])
  const path = 'tests/sessions_tests/tests.py'
  const source = await requireSource('django', 'python-django', path, 'python3-django')
  const { stdout, stderr } = await withServer((env) => {
    const more = pythonEnvironment(env)
    more['PYTHONPATH'] += `:${join(source, 'tests')}`
    return runToEnd(python.program, [join(HERE, 'django_suite.py')], { env: more })
  })
  const output = stdout + stderr
  const failed = [...output.matchAll(/^(?:FAIL|ERROR): (\w+)/gm)].map(([, name]) => name)
  assert.equal(failed, DJANGO_FAILURES, output)
  const ran = Number(/^Ran (\d+) tests/m.exec(output)?.[1])
  assert.ok(ran > 40, output)
})

test.run()

async function runFlaskSuite(
  { program }: Python,
  cwd: string,
  options: readonly string[],
  env: NodeJS.ProcessEnv,
) {
  const args = ['-m', 'pytest', '-q', '-rfE', '-p', 'no:cacheprovider', ...options, 'tests']
  const { stdout } = await runToEnd(program, args, { cwd, env: pythonEnvironment(env) })
  const failed = [...stdout.matchAll(/^(?:FAILED|ERROR) \S*::(\w+)/gm)].map(([, name = '']) => name)
  const passed = Number(/(\d+) passed/.exec(stdout)?.[1] ?? 0)
  return { passed, failed, output: stdout }
}

/** A suite in which tests fail ends with an exit code of its own, and says which. */
async function runToEnd(
  program: string,
  args: readonly string[],
  options: { readonly cwd?: string; readonly env: NodeJS.ProcessEnv },
): Promise<{ readonly stdout: string; readonly stderr: string }> {
  const all = { ...options, maxBuffer: 64 * 1024 * 1024 }
  try {
    return await promisify(execFile)(program, args, all)
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string }
    return { stdout, stderr }
  }
}

/** Debian's own where there is one: its version is the one that the suite is of. */
async function requirePython(needs: readonly string[]): Promise<Python> {
  const [python] = await findPythons(needs)
  return python ?? skip(`python3 with ${needs.join(' and ')} is not installed`)
}

async function requireSource(
  name: string,
  sourcePackage: string,
  path: string,
  binaryPackage: string,
): Promise<string> {
  const found = findSuite(name, path)
  if (found !== undefined) return found
  const version = await findDebianVersion(binaryPackage)
  const fetched =
    version === undefined ? undefined : await fetchDebianSource(sourcePackage, version)
  return fetched ?? skip(`${name}/${path} is not in COATCHECK_SUITES, nor to be had from Debian`)
}
