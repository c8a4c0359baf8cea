/** `npm start` in a clone, and what signals do to it. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { skip } from '../kit/runner/skip.ts'
import { personsEnvironment } from '../kit/process/persons-environment.ts'
import { makeFolder } from '../kit/process/spawn-server.ts'

const test = suite('npm start')

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

const ENV = personsEnvironment()

for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGKILL'] as const) {
  test(`${signal} to npm stops the server, and the request in flight is answered`, async () => {
    const started = await start(['npm', 'start', '--'])
    const answer = await sendAcross(started.port, () => started.child.kill(signal))
    assert.match(answer, /^HTTP\/1\.1 204 /)
    await waitForEnd(started.descendants)
  })
}

test('npm start that was stopped has stopped the server, and the next one starts', async () => {
  const data = join(makeFolder(), 'sessions.db')
  for (let round = 0; round < 2; round++) {
    const { child } = await start(['npm', 'start', '--'], data)
    child.kill('SIGTERM')
    await once(child, 'exit')
  }
})

test('a server whose starter was killed ends, and answers what is in flight', async () => {
  const started = await start(['node', 'lib/program/coatcheck.js'])
  const answer = await sendAcross(started.port, () => started.child.kill('SIGKILL'))
  assert.match(answer, /^HTTP\/1\.1 204 /)
  await waitForEnd(started.descendants)
})

test('one stop that comes as several signals is one', async () => {
  const started = await start(['npm', 'start', '--'])
  const answer = await sendAcross(started.port, () => {
    for (const signal of ['SIGTERM', 'SIGHUP'] as const) {
      for (const pid of started.descendants) process.kill(pid, signal)
    }
  })
  assert.match(answer, /^HTTP\/1\.1 204 /)
  await waitForEnd(started.descendants)
})

test('a server under nohup does not end with its terminal', async () => {
  const { child, port, descendants } = await start(
    ['node', 'lib/program/coatcheck.js'],
    undefined,
    {
      _: '/usr/bin/nohup',
    },
  )
  for (const pid of descendants) process.kill(pid, 'SIGHUP')
  await sleep(500)
  assert.match(await sendAcross(port, () => {}), /^HTTP\/1\.1 204 /)
  child.kill('SIGTERM')
  await waitForEnd(descendants)
})

test.run()

type Started = {
  readonly child: ChildProcess
  readonly port: number
  /** The process itself and all that it has started. */
  readonly descendants: readonly number[]
}

async function start(
  command: readonly string[],
  data = join(makeFolder(), 'sessions.db'),
  env: NodeJS.ProcessEnv = {},
): Promise<Started> {
  if (!existsSync('/proc/self/stat')) skip('there is no /proc to find children in')
  const [name = '', ...args] = [...command, '--port', '0', '--data', data]
  const child = spawn(name, args, {
    cwd: ROOT,
    env: { ...ENV, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let printed = ''
  child.stderr.on('data', (text: Buffer) => (printed += String(text)))
  const port = await new Promise<number>((resolve, reject) => {
    child.stdout.on('data', (text: Buffer) => {
      printed += String(text)
      const found = /listens on http:\/\/127\.0\.0\.1:(\d+)/.exec(printed)?.[1]
      if (found !== undefined) resolve(Number(found))
    })
    child.once('exit', () => reject(new Error(`It did not start: ${printed}`)))
  })
  return { child, port, descendants: descendantsOf(child.pid ?? 0) }
}

/** Half a request before `between`, its end some time after; resolves with the answer. */
async function sendAcross(port: number, between: () => void): Promise<string> {
  const socket = connect(port, '127.0.0.1').setEncoding('utf8')
  await once(socket, 'connect')
  socket.write('PUT /session/late HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\n"a')
  await sleep(200)
  between()
  await sleep(600)
  socket.write('b"')
  const [answer]: unknown[] = await once(socket, 'data')
  socket.destroy()
  return String(answer)
}

async function waitForEnd(pids: readonly number[]): Promise<void> {
  const deadline = performance.now() + 20_000
  while (pids.some(isRunning)) {
    assert.ok(performance.now() < deadline, 'all of them end within 20 s')
    await sleep(50)
  }
}

/** A child that has ended, and whose parent has not looked yet, runs no more. */
function isRunning(pid: number): boolean {
  return existsSync(`/proc/${pid}`) && statOf(pid).state !== 'Z'
}

function descendantsOf(pid: number): number[] {
  const children = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((other) => statOf(other).parent === pid)
  return [pid, ...children.flatMap(descendantsOf)]
}

function statOf(pid: number): { readonly state: string; readonly parent: number } {
  try {
    const [state = '', parent = ''] = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ')
    return { state, parent: Number(parent) }
  } catch {
    return { state: 'Z', parent: 0 }
  }
}
