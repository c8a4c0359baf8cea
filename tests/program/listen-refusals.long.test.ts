/** Addresses that a server cannot listen on: each told as what it is, with the setting to change. */
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { asListenError } from '../../lib/http/server/listen-error.ts'
import { makeFolder, runServer } from '../kit/process/spawn-server.ts'

const test = suite('listen refusals')

test('a host that is none of this machine is told in one line that names --host', async () => {
  for (const [host, reason] of [
    ['nosuch.invalid', /E(NOTFOUND|AI_AGAIN).*--host/],
    ['192.0.2.1', /no network interface .*EADDRNOTAVAIL.*--host/],
    ['2001:db8::1', /\[2001:db8::1\]:0: .*--host/],
  ] as const) {
    const { code, stderr } = await serve('--host', host, '--port', '0')
    assert.is(code, 69, stderr)
    assert.match(stderr, /^Cannot listen on [^\n]*\n$/)
    assert.match(stderr, reason)
    assert.not.match(stderr, 'stop')
  }
})

test('a socket path that cannot be is told by what stands in its way', async () => {
  const folder = makeFolder()
  writeFileSync(join(folder, 'file'), 'kept')
  mkdirSync(join(folder, 'folder'))
  symlinkSync('nowhere', join(folder, 'link'))
  for (const [name, reason] of [
    ['no/s.sock', /there is no folder .*\/no .*make it.*--listen/],
    ['file/s.sock', /\/file is no folder .*--listen/],
    ['file', /no socket is there .*move it away.*--listen/],
    ['folder', /no socket is there .*move it away.*--listen/],
    ['link', /no socket is there .*move it away.*--listen/],
  ] as const) {
    const { code, stderr } = await serve('--listen', `unix:${join(folder, name)}`)
    assert.is(code, 69, stderr)
    assert.match(stderr, /^Cannot listen on unix:[^\n]*\n$/)
    assert.match(stderr, reason)
  }
})

test('a socket that another program listens on is left to it', async () => {
  const path = join(makeFolder(), 's.sock')
  const other = createServer()
  await new Promise<void>((resolve) => other.listen(path, resolve))
  const { code, stderr } = await serve('--listen', `unix:${path}`)
  assert.is(code, 69)
  assert.match(stderr, /another program listens there .*stop that one.*--listen/)
  await new Promise((resolve) => other.close(resolve))
})

test('each error of the system has its way out', () => {
  const say = (address: { host: string; port: number } | { path: string }, code: string) =>
    asListenError(address, Object.assign(new Error(), { code })).message
  const host = { host: '127.0.0.1', port: 80 }
  assert.match(say(host, 'EADDRINUSE'), /127\.0\.0\.1:80: another program has the port .*--port/)
  assert.match(say(host, 'EACCES'), /a port so low .*1024 \(--port\)/)
  assert.match(say(host, 'EAI_AGAIN'), /no name server .*--host/)
  assert.match(say(host, 'EINVAL'), /the system refuses \(EINVAL\).*--host/)
  const path = { path: join(makeFolder(), 's.sock') }
  assert.match(say(path, 'EACCES'), /may not write in .*--listen/)
  assert.match(say(path, 'EROFS'), /may not write in .*--listen/)
})

function serve(...args: string[]) {
  return runServer([...args, '--data', join(makeFolder(), 'sessions.db')])
}

test.run()
