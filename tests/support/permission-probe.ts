// Preloaded into the server, or built into a binary: injected code, as it were, in both of its threads.
// On SIGUSR2 each tries everything that the server must not do, and says on stderr what came of it.
import { execFile, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import { connect } from 'node:net'
import { BroadcastChannel, isMainThread, Worker } from 'node:worker_threads'

/** Each answers, or calls back with, an error where it was refused. */
const ATTEMPTS: Record<string, (refuse: (error: unknown) => void) => unknown> = {
  'start a process': () => spawnSync('true').error,
  'start a process, asynchronously': (refuse) => execFile('true', refuse),
  'become another program': () => process.execve?.('/bin/true', ['true']),
  'start a worker': () => new Worker('', { eval: true }),
  'load an addon': () => process.dlopen({ exports: {} }, '/tmp/any.node'),
  'load a module': () => createRequire('/tmp/')('/etc/hosts'),
  'import a module': (refuse) => import(String('file:///etc/hosts')).catch(refuse),
  'read a file': () => readFileSync('/etc/hosts'),
  'see whether a file is there': () => existsSync('/etc/hosts'),
  'open a file': () => openSync('/etc/hosts', 'r'),
  'read its own environment from the system': () => readFileSync('/proc/self/environ'),
  'write a file': () => writeFileSync('/tmp/coatcheck-was-here', ''),
  'make a folder': () => mkdirSync('/tmp/coatcheck-was-here'),
  'remove a file': () => rmSync('/tmp/coatcheck-was-here'),
  'write a report': () => process.report.writeReport('/tmp/coatcheck-was-here'),
  'connect to another host': (refuse) => connect(9, '127.0.0.1').on('error', refuse),
  'listen on another port': (refuse) => createServer().on('error', refuse).listen(0),
  'open the inspector': () => process.getBuiltinModule('node:inspector').open(0),
  'reach inside Node': () => Reflect.apply(Reflect.get(process, 'binding'), process, ['fs']),
  'get a right back': () => process.permission.has('fs.read') || denied(),
}

/** What is told of each attempt, in JSON, after the word "probe". */
export type Probed = { readonly thread: string; readonly attempt: string; readonly code: string }

const thread = isMainThread ? 'main' : 'writer'
const channel = new BroadcastChannel('permission probe')
channel.addEventListener('message', tryAll)
channel.unref()
if (isMainThread) {
  process.on('SIGUSR2', () => {
    channel.postMessage('try')
    tryAll()
  })
}

function tryAll(): void {
  for (const [attempt, run] of Object.entries(ATTEMPTS)) {
    const tell = (error: unknown): void => {
      const code = error instanceof Error && 'code' in error ? String(error.code) : 'succeeded'
      const probed: Probed = { thread, attempt, code }
      process.stderr.write(`probe ${JSON.stringify(probed)}\n`)
    }
    try {
      const outcome = run(tell)
      // What is no error calls back, later.
      if (run.length === 0) tell(outcome)
    } catch (error) {
      tell(error)
    }
  }
}

function denied(): Error {
  return Object.assign(new Error('Denied'), { code: 'ERR_ACCESS_DENIED' })
}
