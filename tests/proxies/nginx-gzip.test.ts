/** What nginx makes of versions when it compresses answers. */
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { findNginx, startNginx } from '../kit/proxies/nginx.ts'
import { makeFolder, spawnServer } from '../kit/process/spawn-server.ts'

const test = suite('nginx with gzip')

test('a version that nginx made weak is taken by reads and writes', async () => {
  findNginx()
  const server = await spawnServer(['--data', `${makeFolder()}/sessions.db`])
  const nginx = await startNginx(
    (port) => `
      gzip on; gzip_types application/json; gzip_min_length 1; gzip_proxied any;
      server { listen 127.0.0.1:${port}; location / { proxy_pass ${server.url}; } }`,
  )
  const ask = async (method: string, path: string, headers: object, body?: string) =>
    await fetch(nginx.url + path, { method, headers: { ...headers }, body: body ?? null })

  const put = await ask('PUT', '/session/a', {}, `"${'a'.repeat(200)}"`)
  const cookie = put.headers.get('set-cookie')?.split(';')[0] ?? ''
  const read = await ask('GET', '/session/a', { cookie, 'accept-encoding': 'gzip' })
  assert.is(read.headers.get('content-encoding'), 'gzip')
  const tag = read.headers.get('etag') ?? ''
  assert.is(tag, 'W/"1"')

  const again = await ask('GET', '/session/a', { cookie, 'if-none-match': tag })
  assert.is(again.status, 304)
  for (const status of [204, 412]) {
    const write = await ask('PUT', '/session/b', { cookie, 'if-match': tag }, '1')
    assert.is(write.status, status)
  }
  await nginx.stop()
  server.kill('SIGTERM')
  await server.ended
})

test.run()
