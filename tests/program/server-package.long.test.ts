/** The package `coatcheck` as it is published: packed, installed in an empty folder, and run by `npx`. */
import { execFile } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { delimiter, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { buildServerPackage } from '../../lib/build/server-package.ts'
import { CLIENT_PACKAGES, needClientPackages } from '../kit/clients/client-packages.ts'
import { personsEnvironment } from '../kit/process/persons-environment.ts'
import { makeFolder, spawnServer } from '../kit/process/spawn-server.ts'
import { skip } from '../kit/runner/skip.ts'

const test = suite('server package')

const run = promisify(execFile)

/** The machine's own Node, and the pinned one in its place. */
function environments() {
  const person = personsEnvironment()
  const folders = (person.PATH ?? '').split(delimiter)
  const own = folders.filter((folder) => !folder.includes('node_modules'))
  return [own, [dirname(process.execPath), ...own]].map((path) => ({
    ...person,
    PATH: path.join(delimiter),
  }))
}

test('installed from its tarball, npx coatcheck serves and does its commands, whatever Node is at hand', async () => {
  const { folder, tarball } = await pack()
  const empty = join(folder, 'empty')
  mkdirSync(empty)
  writeFileSync(join(empty, 'package.json'), '{"private":true}')
  const quiet = ['--no-audit', '--no-fund', '--prefix', empty]
  try {
    await run('npm', ['install', ...quiet, tarball], { cwd: empty, timeout: 180_000 })
  } catch (error) {
    skip(`its packages could not be installed (${(error as Error).message.split('\n')[0]})`)
  }
  for (const own of environments()) {
    const npx = (...args: string[]) => run('npx', ['coatcheck', ...args], { cwd: empty, env: own })
    const { version } = JSON.parse(readFileSync(join(folder, 'package/package.json'), 'utf8')) as {
      version: string
    }
    assert.is((await npx('version')).stdout, `${version}\n`)
    const server = await spawnServer(
      [],
      own,
      [],
      ['sh', '-c', `cd '${empty}' && exec node_modules/.bin/coatcheck "$@"`, 'sh'],
    )
    const ask = async (path: string, init?: RequestInit) => {
      const response = await fetch(server.url + path, init)
      return [response.status, (await response.text()).length > 0]
    }
    assert.equal(await ask('/session/user', { method: 'PUT', body: '"ada"' }), [204, false])
    for (const path of [
      '/healthz',
      '/docs/express',
      '/tour',
      '/tour/tour.ts',
      '/docs/coatcheck.py',
    ]) {
      assert.equal(await ask(path), [200, true], path)
    }
    server.kill('SIGTERM')
    assert.is((await server.ended).code, 0)
    assert.match((await npx('list')).stdout, /^[\w-]{21}\t/)
    assert.match((await npx('check')).stdout, /./)
    // The driver of PostgreSQL is in it, too: it finds that nobody is there.
    const refused = await npx('list', '--store', 'postgres://coat@127.0.0.1:1/coat').catch(
      (error: { stderr: string }) => error,
    )
    assert.match(refused.stderr, 'Cannot reach the database: 127.0.0.1:1')
    // In the folder where it was started, as from a clone.
    assert.ok(readdirSync(join(empty, 'data')).includes('sessions.db'))
    rmSync(join(empty, 'data'), { recursive: true })
  }
  rmSync(folder, { recursive: true })
})

test('it has the packages of the clone, no script, no TypeScript but that of browsers, and nothing to lint', async () => {
  const { folder, files } = await pack()
  const own = JSON.parse(readFileSync('package.json', 'utf8')) as Record<string, unknown>
  const manifest = JSON.parse(readFileSync(join(folder, 'package/package.json'), 'utf8')) as Record<
    string,
    unknown
  >
  assert.equal(manifest['dependencies'], own['dependencies'])
  assert.equal(manifest['optionalDependencies'], own['optionalDependencies'])
  assert.equal([manifest['scripts'], manifest['private']], [undefined, undefined])
  assert.equal(
    files.filter((path) => path.endsWith('.ts') && !/^lib\/\w+\/browser\//.test(path)),
    [],
  )
  await needClientPackages()
  const path = createRequire(`${CLIENT_PACKAGES}package.json`).resolve('publint')
  const { publint } = (await import(path)) as {
    publint(options: object): Promise<{ messages: object[] }>
  }
  const { messages } = await publint({ pkgDir: join(folder, 'package'), level: 'warning' })
  assert.equal(messages, [])
  rmSync(folder, { recursive: true })
})

test.run()

async function pack() {
  const folder = makeFolder()
  buildServerPackage(join(folder, 'package'))
  const args = ['pack', '--json', './package', '--prefix', folder]
  const { stdout } = await run('npm', args, { cwd: folder, timeout: 120_000 })
  const [packed] = JSON.parse(stdout) as { filename: string; files: { path: string }[] }[]
  const tarball = join(folder, packed?.filename ?? '')
  return { folder, tarball, files: (packed?.files ?? []).map(({ path }) => path) }
}
