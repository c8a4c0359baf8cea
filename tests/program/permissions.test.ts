/** What code injected into the running server can do: nothing, in any thread that sees a request. */
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { buildBinary } from '../../lib/build/binary.ts'
import { hostName, targetFor } from '../../lib/build/target.ts'
import { nodeFlags } from '../../lib/program/node-flags.js'
import type { Probed } from '../kit/process/permission-probe.ts'
import {
  makeFolder,
  PROGRAM,
  type RunningServer,
  spawnServer,
} from '../kit/process/spawn-server.ts'

const test = suite('permissions')

const PROBE = fileURLToPath(new URL('../kit/process/permission-probe.ts', import.meta.url))
const ATTEMPTS = [...readFileSync(PROBE, 'utf8').matchAll(/^ {2}'(.*)': \(/gm)].map(([, a]) => a)
const REFUSALS = [
  'ERR_ACCESS_DENIED',
  // A thread cannot become another program, and the binary imports nothing from files, whatever the rights.
  'ERR_WORKER_UNSUPPORTED_OPERATION',
  'ERR_UNKNOWN_BUILTIN_MODULE',
]
const [NODE = '', SERVER] = PROGRAM
const isBinary = SERVER === undefined

test('code injected into the server can do nothing but compute, in either thread that sees a request', async () => {
  const folder = makeFolder()
  const program = await withProbe(folder)
  const server = await spawnServer(['--data', join(folder, 'sessions.db')], {}, [], program)
  server.kill('SIGUSR2')
  // What is allowed may never call back.
  while (probesOf(server).length < 2 * ATTEMPTS.length && allowedBy(server).length === 0) {
    await fetch(`${server.url}/session`)
  }
  assert.equal(allowedBy(server), [])
  for (const thread of ['main', 'writer']) {
    const tried = probesOf(server).filter((probed) => probed.thread === thread)
    assert.equal(tried.map(({ attempt }) => attempt).sort(), ATTEMPTS.toSorted())
  }

  await putAndStop(server)
  if (isBinary) rmSync(program[0] ?? '')
})

test('server that has let go of its rights serves, logs into a file, stops, and removes its socket', async () => {
  const folder = makeFolder()
  const socket = join(folder, 'coatcheck.sock')
  const data = join(folder, 'sessions.db')
  const args = ['--data', data, '--listen', `unix:${socket}`]
  const server = await spawnServer(args, {}, toFile(join(folder, 'log')), limited())
  const { stdout } = spawnSync(
    'curl',
    [
      '-s',
      '--unix-socket',
      socket,
      '-X',
      'PUT',
      '-d',
      '1',
      '-w',
      '%{http_code}',
      'http://x/session/a',
    ],
    { encoding: 'utf8' },
  )
  assert.is(stdout, '204')
  server.kill('SIGTERM')
  assert.is((await server.ended).code, 0)
  const log = readFileSync(join(folder, 'log'), 'utf8')
  assert.match(log, '"event":"stopped"')
  assert.not.match(log, /warning/i)
  assert.is(existsSync(socket), false)
  assert.is(existsSync(`${data}-wal`), false)
})

test('server starts without a word on stderr', async () => {
  const args = ['--data', join(makeFolder(), 'sessions.db')]
  const server = await spawnServer(args, {}, [], limited())
  assert.is(server.stderr(), '')
  await putAndStop(server)
})

if (isBinary) {
  test('NODE_OPTIONS is not even read by the binary, so it gives no rights back', async () => {
    const args = ['--data', join(makeFolder(), 'sessions.db')]
    const options = '--no-such-flag --allow-child-process'
    await putAndStop(await spawnServer(args, { NODE_OPTIONS: options }))
  })
}

/** The program as it is started for real. */
function limited(): readonly string[] {
  return isBinary ? PROGRAM : [NODE, ...nodeFlags, SERVER]
}

async function withProbe(folder: string): Promise<readonly string[]> {
  if (!isBinary) return [NODE, ...nodeFlags, '--import', PROBE, SERVER]
  const probed = join(folder, 'coatcheck-with-probe')
  await buildBinary(targetFor(hostName), probed, [PROBE])
  return [probed]
}

function probesOf(server: RunningServer): Probed[] {
  const lines = server.stderr().split('\n').slice(0, -1)
  const all = lines.flatMap((line): Probed[] =>
    line.startsWith('probe ') ? [JSON.parse(line.slice(6))] : [],
  )
  // The third thread keeps the right to read, and sees no request.
  return all.filter(({ thread }) => thread !== 'names')
}

function allowedBy(server: RunningServer): Probed[] {
  return probesOf(server).filter(({ code }) => !REFUSALS.includes(code))
}

/** Runs a program with its stderr in a file, as a supervisor may. */
function toFile(path: string): readonly string[] {
  return ['sh', '-c', 'file=$1; shift; exec "$@" 2>"$file"', 'sh', path]
}

async function putAndStop(server: RunningServer): Promise<void> {
  const headers = { 'content-type': 'application/json' }
  const answer = await fetch(`${server.url}/session/user`, { method: 'PUT', body: '1', headers })
  assert.is(answer.status, 204)
  server.kill('SIGTERM')
  assert.is((await server.ended).code, 0)
}

test.run()
