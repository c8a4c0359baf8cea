/**
 * The suites of frameworks, on our store and a live server. They are no part of this project: they are
 * checkouts with their packages installed, in a folder that COATCHECK_SUITES names
 * (lib/manual/hacking.md says which); what is not there is skipped.
 */
import { execFile } from 'node:child_process'
import { existsSync, globSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { findSuite } from '../../kit/clients/suites.ts'
import { makeFolder, spawnServer } from '../../kit/process/spawn-server.ts'
import { API_KEY } from '../../kit/process/open-server.ts'
import { skip } from '../../kit/runner/skip.ts'

const test = suite('foreign suites')

const STORE = fileURLToPath(new URL('../../kit/clients/foreign-store.ts', import.meta.url))

/** Of version 11.1.2. They look into the memory store, or do not wait for a store that answers later. */
const FASTIFY_FAILURES = [
  // These read the map of the memory store.
  'should save the session properly',
  'should support multiple secrets',
  // These end before a callback that does not come at once.
  'should decryptSession with custom request object',
  'should decryptSession with custom cookie options',
  'Custom options',
]

test("express-session's suite passes, all of it", async () => {
  const folder = needSuite('express-session', 'test/session.js')
  const output = await run(
    folder,
    ['/session/memory.js'],
    [
      'node_modules/mocha/bin/_mocha',
      ...['--require', 'test/support/env', '--check-leaks', '--exit', '--reporter', 'dot', 'test/'],
    ],
  )
  const [, passing] = /(\d+) passing/.exec(output) ?? []
  assert.ok(Number(passing) >= 160, output.slice(-4_000))
  assert.not(/\d+ failing/.test(output), output.slice(-4_000))
  process.stdout.write(`express-session: ${passing} passed\n`)
})

test("@fastify/session's suite passes, but for what looks into the memory store", async () => {
  const folder = needSuite('fastify-session', 'test/base.test.js')
  const files = globSync('test/*.test.js', { cwd: folder })
    // About the memory store itself.
    .filter((file) => !file.endsWith('memorystore.test.js'))
    .sort()
  const stores = ['/lib/store.js', '/test/TestStore.js']
  const output = await run(folder, stores, ['--test', '--test-reporter=tap', ...files])
  const failed = [...output.matchAll(/^\s*not ok \d+ - (.*)$/gm)].map(([, name = '']) => name)
  const tests = failed.filter((name) => !files.some((file) => name.endsWith(file)))
  assert.equal(tests.sort(), FASTIFY_FAILURES.toSorted(), output.slice(-4_000))
  const [, passed] = /^# pass (\d+)$/m.exec(output) ?? []
  assert.ok(Number(passed) >= 112)
  process.stdout.write(`@fastify/session: ${passed} passed, ${tests.length} failed as known\n`)
})

test.run()

function needSuite(name: string, file: string): string {
  const folder = findSuite(name, file) ?? skip(`${name}/${file} is not in COATCHECK_SUITES`)
  if (!existsSync(join(folder, 'node_modules'))) skip(`${name} has no packages: npm install`)
  return folder
}

/** What it prints, however it ends. */
async function run(
  folder: string,
  storeFiles: readonly string[],
  args: readonly string[],
): Promise<string> {
  const data = join(makeFolder(), 'sessions.db')
  const server = await spawnServer(['--data', data], { COATCHECK_API_KEY: API_KEY })
  try {
    return await new Promise((resolve) => {
      const env = {
        PATH: process.env['PATH'],
        // The processes of a test runner have it, too.
        NODE_OPTIONS: `--import ${STORE}`,
        NODE_NO_WARNINGS: '1',
        FOREIGN_STORE_FILES: storeFiles.join(','),
        COATCHECK_URL: server.url,
        COATCHECK_KEY: API_KEY,
      }
      const options = { cwd: folder, env, timeout: 180_000, maxBuffer: 64 * 1024 * 1024 }
      execFile(process.execPath, args, options, (_, stdout, stderr) => resolve(stdout + stderr))
    })
  } finally {
    server.kill('SIGTERM')
    await server.ended
  }
}
