import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { skip } from '../kit/runner/skip.ts'
import { makeFolder } from '../kit/process/spawn-server.ts'

const test = suite('pinned Node')

const PINNED_NODE = fileURLToPath(new URL('../../lib/program/pinned-node.js', import.meta.url))

test('a script that is not there fails as Node has it, on either Node', () => {
  for (const node of [findOtherNode(), process.execPath]) {
    const { status, stderr } = spawnSync(node, [PINNED_NODE, '/nowhere/at-all.mjs'], {
      encoding: 'utf8',
    })
    assert.is(status, 1)
    assert.match(stderr, 'at-all.mjs')
  }
})

test('a script that another Node starts runs on the pinned one, with its arguments', () => {
  const script = writeScript(
    'console.log(JSON.stringify([process.version, process.argv.slice(2)]))',
  )
  for (const node of [findOtherNode(), process.execPath]) {
    const args = ['--port', '80', 'a b', '']
    const { status, stdout } = spawnSync(node, [PINNED_NODE, script, ...args], { encoding: 'utf8' })
    assert.is(status, 0)
    assert.equal(JSON.parse(stdout), [pinnedVersion(), args])
  }
})

test('a script that is started with --permission has the rights of the server, and no others', () => {
  const rights = [
    'fs.read',
    'fs.write',
    'net',
    'worker',
    'addon',
    'child',
    'inspector',
    'wasi',
    'ffi',
  ]
  const script = writeScript(
    `console.log(${JSON.stringify(rights)}.filter((right) => process.permission.has(right)).join())`,
  )
  for (const node of [findOtherNode(), process.execPath]) {
    const args = [PINNED_NODE, '--permission', script]
    const { stdout, stderr } = spawnSync(node, args, { encoding: 'utf8' })
    assert.is(stderr, '')
    assert.is(stdout, 'fs.read,fs.write,net,worker,addon\n')
  }
})

test('flags of Node may stand before the script', () => {
  const script = writeScript('console.log(process.version, process.execArgv.join())')
  for (const node of [findOtherNode(), process.execPath]) {
    const args = [PINNED_NODE, '--no-warnings', script]
    const { stdout } = spawnSync(node, args, { encoding: 'utf8' })
    assert.is(stdout, `${pinnedVersion()} --no-warnings\n`)
  }
})

test('an exit code is handed on', () => {
  const script = writeScript('process.exit(74)')
  assert.is(spawnSync(findOtherNode(), [PINNED_NODE, script]).status, 74)
})

test('a death by a signal is handed on as a shell has it', () => {
  const script = writeScript("process.kill(process.pid, 'SIGKILL')\nsetInterval(() => {}, 1000)")
  assert.is(spawnSync(findOtherNode(), [PINNED_NODE, script]).status, 128 + 9)
})

for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
  test(`${signal} is handed on, and the script decides what becomes of it`, async () => {
    const script = writeScript(
      `process.on('${signal}', () => process.exit(7))
       setInterval(() => {}, 1000)
       console.log('ready')`,
    )
    const child = spawn(findOtherNode(), [PINNED_NODE, script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    await once(child.stdout, 'data')
    child.kill(signal)
    const [code]: unknown[] = await once(child, 'exit')
    assert.is(code, 7)
  })
}

/** A Node on the PATH that is not the pinned one: what a newcomer has. */
function findOtherNode(): string {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const path = join(folder, 'node')
    const { stdout } = spawnSync(path, ['-v'], { encoding: 'utf8' })
    if (typeof stdout === 'string' && stdout !== '' && stdout.trim() !== pinnedVersion()) {
      return path
    }
  }
  skip('no other Node is installed')
}

function pinnedVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  const manifest: { optionalDependencies: Record<string, string> } = JSON.parse(text)
  return `v${Object.values(manifest.optionalDependencies)[0]}`
}

function writeScript(text: string): string {
  const path = join(makeFolder(), 'script.mjs')
  writeFileSync(path, `${text}\n`)
  return path
}

test.run()
