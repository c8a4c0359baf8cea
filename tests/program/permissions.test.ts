/** What code injected into the running server can do: nothing, in any thread that sees a request. */
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Probed } from '../kit/process/permission-probe.ts'
import {
  ATTEMPTS,
  isRefused,
  limitedProgram,
  probedProgram,
  probesOf,
} from '../kit/process/probed-program.ts'
import {
  makeFolder,
  PROGRAM,
  type RunningServer,
  spawnServer,
} from '../kit/process/spawn-server.ts'

const test = suite('permissions')

const isBinary = PROGRAM.length === 1

test('code injected into the server can do nothing but compute, in either thread that sees a request', async () => {
  const folder = makeFolder()
  const program = await probedProgram(folder)
  const server = await spawnServer(['--data', join(folder, 'sessions.db')], {}, [], program)
  server.kill('SIGUSR2')
  // What is allowed may never call back.
  while (probedIn(server).length < 2 * ATTEMPTS.length && allowedBy(server).length === 0) {
    await fetch(`${server.url}/session`)
  }
  assert.equal(allowedBy(server), [])
  for (const thread of ['main', 'writer']) {
    const tried = probedIn(server).filter((probed) => probed.thread === thread)
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
  const server = await spawnServer(args, {}, toFile(join(folder, 'log')), limitedProgram())
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

test('server starts without a word on stderr but its own', async () => {
  const args = ['--data', join(makeFolder(), 'sessions.db')]
  const server = await spawnServer(args, {}, [], limitedProgram())
  const lines = server.stderr().trimEnd().split('\n')
  await putAndStop(server)
  const events = lines.map((line): unknown => JSON.parse(line)['event'])
  assert.equal(events, ['started', 'key_made'])
})

if (isBinary) {
  test('NODE_OPTIONS is not even read by the binary, so it gives no rights back', async () => {
    const args = ['--data', join(makeFolder(), 'sessions.db')]
    const options = '--no-such-flag --allow-child-process'
    await putAndStop(await spawnServer(args, { NODE_OPTIONS: options }))
  })
}

/** The third thread keeps the right to read, and sees no request. */
function probedIn(server: RunningServer): Probed[] {
  return probesOf(server).filter(({ thread }) => thread !== 'names')
}

function allowedBy(server: RunningServer): Probed[] {
  return probedIn(server).filter((probed) => !isRefused(probed))
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
