// Preloaded into the server, or built into a binary: injected code, as it were, in both of its threads.
// On SIGUSR2 each tries everything that the server must not do, and says on stderr what came of it.
import { execFile, spawnSync } from 'node:child_process'
import cluster from 'node:cluster'
import { createSocket } from 'node:dgram'
import { lookup, resolve } from 'node:dns'
import {
  createWriteStream,
  existsSync,
  mkdirSync,
  openAsBlob,
  opendirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  watch,
  writeFileSync,
} from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import { connect } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { writeHeapSnapshot } from 'node:v8'
import { BroadcastChannel, isMainThread, threadName, Worker } from 'node:worker_threads'

/**
 * A name of the probe's own. Where rights are not dropped, as in a control, all of this happens: nothing
 * is written through a link to a file that is somebody's, for tests may run as root.
 */
const PROBE_FILE = '/tmp/coatcheck-probe'

/** Each answers, or calls back with, an error where it was refused. */
const ATTEMPTS: Record<string, (refuse: (error: unknown) => void) => unknown> = {
  'start a process': () => spawnSync('true').error,
  'start a process, asynchronously': (refuse) => execFile('true', refuse),
  'start a copy of itself': () => cluster.fork(),
  'become another program': () => process.execve?.('/bin/true', ['true']),
  'start a worker': () => new Worker('', { eval: true }),
  'load an addon': () => process.dlopen({ exports: {} }, '/tmp/any.node'),
  'load a module': () => createRequire('/tmp/')('/etc/hosts'),
  'import a module': (refuse) => import(String('file:///etc/hosts')).catch(refuse),
  'read a file': () => readFileSync('/etc/hosts'),
  'read a file, asynchronously': (refuse) => readFile('/etc/hosts').catch(refuse),
  'read a file as a blob': (refuse) => openAsBlob('/etc/hosts').catch(refuse),
  'read a folder': () => opendirSync('/etc'),
  'ask about a file': () => statSync('/etc/hosts'),
  'watch a folder': () => watch('/tmp').close(),
  'read variables from a file': () => process.loadEnvFile('/etc/hosts'),
  'see whether a file is there': () => existsSync('/etc/hosts'),
  'open a file': () => openSync('/etc/hosts', 'r'),
  'read its own environment from the system': () => readFileSync('/proc/self/environ'),
  'write a file': () => writeFileSync(PROBE_FILE, ''),
  'write a file, as a stream': (refuse) => createWriteStream(PROBE_FILE).on('error', refuse),
  'rename a file': () => renameSync(PROBE_FILE, '/tmp/coatcheck-probe-renamed'),
  'make a link': () => symlinkSync('/tmp/coatcheck-probe-nowhere', PROBE_FILE),
  'go to another folder': () => process.chdir('/'),
  'write the heap': () => writeHeapSnapshot(PROBE_FILE),
  'open a database of its own': () => builtin('node:sqlite'),
  'make a folder': () => mkdirSync(PROBE_FILE),
  'remove a file': () => rmSync(PROBE_FILE),
  'write a report': () => process.report.writeReport(PROBE_FILE),
  'connect to another host': (refuse) => connect(9, '127.0.0.1').on('error', refuse),
  'connect over TLS': (refuse) => connectTls(9, '127.0.0.1').on('error', refuse),
  'connect to a unix socket': (refuse) => connect(PROBE_FILE).on('error', refuse),
  'fetch from another host': (refuse) =>
    fetch('http://127.0.0.1:8').catch((error) => refuse(error.cause)),
  'send a datagram': (refuse) =>
    createSocket('udp4').on('error', refuse).send('', 9, '127.0.0.1', refuse),
  'receive datagrams': (refuse) => createSocket('udp4').on('error', refuse).bind(0),
  'look a name up': (refuse) => lookup('localhost', refuse),
  'ask a name server': (refuse) => resolve('localhost', refuse),
  'listen on another port': (refuse) => createServer().on('error', refuse).listen(0),
  'open the inspector': () => process.getBuiltinModule('node:inspector').open(0),
  'look into itself': () => new (process.getBuiltinModule('node:inspector').Session)().connect(),
  'run WebAssembly with rights': () =>
    new (process.getBuiltinModule('node:wasi').WASI)({ version: 'preview1' }),
  'call foreign functions': () => builtin('node:ffi'),
  'reach inside Node': () => Reflect.apply(Reflect.get(process, 'binding'), process, ['fs']),
  'get a right back': () => process.permission.has('fs.read') || denied(),
}

/** What is told of each attempt, in JSON, after the word "probe". */
export type Probed = { readonly thread: string; readonly attempt: string; readonly code: string }

const thread = isMainThread ? 'main' : (threadName ?? '').replace(/^coatcheck /, '')
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

/** A module of Node's that is not to be there at all. */
function builtin(name: string): unknown {
  return process.getBuiltinModule(name) ?? denied()
}

function denied(): Error {
  return Object.assign(new Error('Denied'), { code: 'ERR_ACCESS_DENIED' })
}
