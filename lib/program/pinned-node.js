/**
 * `node lib/program/pinned-node.js [FLAG]... FILE [ARG]...` runs FILE on the Node that package.json
 * pins among its optional dependencies, whatever Node and npm are at hand. npm 11 puts that Node
 * first on the PATH of every script; npm 10 installs it without a link. The first flag may be
 * `--permission`, which stands for the flags of lib/program/node-flags.js. Plain JavaScript, since
 * the Node at hand may not run TypeScript.
 */
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { constants } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { nodeFlags } from './node-flags.js'
import { childEnvironment, isToEndWithNpm, watchParent } from './starter.js'

/** `notLoaded` of lib/command-line/exit-codes.ts, which not every Node can import. */
const EXIT_NOT_LOADED = 71

/** Every signal that asks a process for something, and that Node can receive. */
const HANDED_ON = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGUSR1', 'SIGUSR2', 'SIGBREAK']

const require = createRequire(import.meta.url)
const pins = Object.entries(readManifest('../../package.json').optionalDependencies)
const pinnedVersion = `v${pins[0][1]}`

const pinned = process.version === pinnedVersion ? process.execPath : findPinned()
const isLimited = process.argv[2] === '--permission'
if (isLimited) runOn(pinned, [...nodeFlags, ...process.argv.slice(3)])
else if (pinned === process.execPath && !process.argv[2].startsWith('-')) runHere()
else runOn(pinned, process.argv.slice(2))

/** npm installs the pinned package of this platform only. */
function findPinned() {
  for (const [name] of pins) {
    try {
      const manifest = `${name}/package.json`
      return join(dirname(require.resolve(manifest)), readManifest(manifest).bin.node)
    } catch {
      continue
    }
  }
  if (Number.parseInt(process.versions.node) >= Number.parseInt(pinnedVersion.slice(1))) {
    return process.execPath
  }
  process.stderr.write(
    `Cannot start: Node ${pinnedVersion} is not installed beside the project and this is ` +
      `${process.version}; run "npm ci", or use Node ${pinnedVersion} or newer on a platform ` +
      `that has no package for it\n`,
  )
  process.exit(EXIT_NOT_LOADED)
}

function runHere() {
  process.argv.splice(1, 2, resolve(process.argv[2]))
  void import(pathToFileURL(process.argv[1]).href)
}

/**
 * Stands for the child: passes signals on to it, and ends with its exit code. Of a signal that cannot
 * be received, such as SIGKILL, the child learns by losing its parent.
 */
function runOn(node, args) {
  // Only the program itself reads the variable, and removes it from its own environment.
  const env = isLimited ? childEnvironment() : undefined
  const child = spawn(node, args, { stdio: 'inherit', env })
  let isToldToEnd = false
  for (const signal of HANDED_ON.filter((name) => name in constants.signals)) {
    process.on(signal, () => {
      isToldToEnd ||= !signal.startsWith('SIGUSR')
      child.kill(signal)
    })
  }
  // npm passes on SIGINT and SIGTERM only. A child that was told already would take it for a second wish.
  if (isToEndWithNpm()) watchParent(() => isToldToEnd || child.kill('SIGTERM'))
  child.on('error', (error) => {
    process.stderr.write(`Cannot start ${node}: ${error.message}\n`)
    process.exit(EXIT_NOT_LOADED)
  })
  child.on('exit', (code, signal) => process.exit(code ?? 128 + constants.signals[signal]))
}

function readManifest(path) {
  return JSON.parse(readFileSync(require.resolve(path), 'utf8'))
}
