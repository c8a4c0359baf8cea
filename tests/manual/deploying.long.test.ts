/** The files of the page on deploying, as far as they can be had without root, containers and a cluster. */
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { readPage, ROOT } from '../kit/manual/page.ts'
import { IS_BINARY, makeFolder, runServer, spawnServer } from '../kit/process/spawn-server.ts'
import { findProgram } from '../kit/proxies/proxy-process.ts'
import { skip } from '../kit/runner/skip.ts'

const test = suite('manual: deploying')

const { blocks } = readPage('deploying.md')
const [UNIT = '', DROP_IN = ''] = textsOf('ini')
const [, NPM_IMAGE = ''] = textsOf('dockerfile')
const YAML = textsOf('yaml').join('\n---\n')

test('systemd finds nothing wrong with the unit, nor with its drop-in', () => {
  const analyze = findProgram('systemd-analyze', ['--version'])
  const folder = makeFolder()
  const unit = join(folder, 'coatcheck.service')
  const own = (text: string) => text.replaceAll('/usr/local/bin/coatcheck', '/bin/true')
  writeFileSync(unit, own(UNIT))
  mkdirSync(`${unit}.d`)
  writeFileSync(join(`${unit}.d`, 'socket.conf'), own(DROP_IN))
  const { status, stderr } = spawnSync(analyze, ['verify', unit], { encoding: 'utf8' })
  // Of other units of this machine it may have its own opinion.
  const about = stderr.split('\n').filter((line) => /coatcheck|socket\.conf/.test(line))
  assert.equal([status, about], [0, []])
  const rated = spawnSync(analyze, ['security', '--offline=true', '--no-pager', unit], {
    encoding: 'utf8',
  })
  assert.match(rated.stdout, 'exposure level for coatcheck.service: 1.3')
})

test('the server starts by the command of the unit', async () => {
  const server = await spawnServer(flagsOf(UNIT, join(makeFolder(), 'data')))
  assert.is((await fetch(`${server.url}/healthz`)).status, 200)
  server.kill('SIGTERM')
  assert.is((await server.ended).code, 0)
})

test('the server starts by the command of the drop-in, and is well on its socket', async () => {
  const folder = makeFolder()
  const flags = flagsOf(DROP_IN, join(folder, 'data'), folder)
  const server = await spawnServer(flags)
  const [listen = ''] = flags.filter((flag) => flag.startsWith('unix:'))
  const { code, stdout } = await runServer(['healthcheck', '--listen', listen])
  assert.equal([code, stdout], [0, 'ok\n'])
  server.kill('SIGTERM')
  assert.is((await server.ended).code, 0)
})

test('what the image of a clone copies is enough to start by its entry point', async () => {
  if (IS_BINARY) skip('it is about the clone')
  const folder = makeFolder()
  for (const [, names = ''] of NPM_IMAGE.matchAll(/^COPY (.*) \S+$/gm)) {
    for (const name of names.split(' ')) {
      cpSync(join(ROOT, name), join(folder, name), { recursive: true })
    }
  }
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'))
  const words: string[] = JSON.parse(/^ENTRYPOINT (.*)$/m.exec(NPM_IMAGE)?.[1] ?? '')
  const env = { COATCHECK_HOST: '127.0.0.1', COATCHECK_DATA: join(folder, 'data', 'sessions.db') }
  const under = ['env', '-C', folder, process.execPath, ...words.slice(1)]
  const server = await spawnServer([], env, [], under)
  const { port } = new URL(server.url)
  const probe: string[] = JSON.parse(/^HEALTHCHECK CMD (.*)$/m.exec(NPM_IMAGE)?.[1] ?? '')
  const probed = spawnSync(process.execPath, probe.slice(1), {
    cwd: folder,
    env: { PATH: process.env['PATH'], ...env, COATCHECK_PORT: port },
    encoding: 'utf8',
  })
  assert.equal([probed.status, probed.stdout], [0, 'ok\n'], probed.stderr)
  server.kill('SIGTERM')
  await server.ended
})

test('the objects for Kubernetes are YAML, and their arguments are settings', async () => {
  const python = findProgram('python3', ['-c', 'import yaml'])
  const code = 'import sys, yaml, json; print(json.dumps(list(yaml.safe_load_all(sys.stdin))))'
  const read = spawnSync(python, ['-c', code], { input: YAML, encoding: 'utf8' })
  assert.is(read.status, 0, read.stderr)
  const objects: { kind: string }[] = JSON.parse(read.stdout)
  assert.equal(
    objects.map(({ kind }) => kind),
    ['Secret', 'Service', 'StatefulSet'],
  )
  const args = /args: (\[.*\])$/m.exec(YAML)?.[1] ?? '[]'
  const flags: string[] = JSON.parse(args.replaceAll("'", '"'))
  const server = await spawnServer([...flags, '--data', join(makeFolder(), 'sessions.db')])
  server.kill('SIGTERM')
  assert.is((await server.ended).code, 0)
})

test('every other block says why it is not run', () => {
  const others = blocks.filter(({ language }) => !['ini', 'dockerfile', ''].includes(language))
  assert.equal(
    others.filter(({ notRun }) => notRun === undefined),
    [],
  )
})

function textsOf(language: string): string[] {
  return blocks.filter((block) => block.language === language).map(({ text }) => text)
}

/** The flags of the last `ExecStart`, with folders of the test. */
function flagsOf(unit: string, data: string, run = ''): string[] {
  const command = unit.match(/^ExecStart=\/.*$/gm)?.at(-1) ?? ''
  mkdirSync(data)
  return command
    .replace('/var/lib/coatcheck', data)
    .replace('/run/coatcheck', run)
    .split(' ')
    .slice(1)
}

test.run()
