/** TLS, with certificates that are checked, and unix sockets. */
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createClient } from '../../../../lib/clients/js/client.ts'
import type { CoatcheckError } from '../../../../lib/clients/js/errors.ts'
import { API_KEY } from '../../../kit/process/open-server.ts'
import { makeFolder } from '../../../kit/process/spawn-server.ts'
import { listenRaw } from '../../../kit/clients/raw-http.ts'

const test = suite('client over TLS and unix sockets')

test('a certificate of an authority that is named is taken, of one that is not refused', async () => {
  const folder = makeFolder()
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost']
  const made = [
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-nodes',
    '-days',
    '1',
  ]
  execFileSync('openssl', ['req', ...made, ...subject, '-keyout', key, '-out', cert], {
    stdio: 'pipe',
  })
  const ca = readFileSync(cert)
  const asked: string[] = []
  const server = createServer({ key: readFileSync(key), cert: ca }, (request, response) => {
    asked.push(`${request.method} ${request.headers.host} ${request.headers.authorization}`)
    response.end('{"status":"ok"}')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo

  const options = { url: `https://localhost:${port}/base`, apiKey: API_KEY }
  const trusting = createClient({ ...options, tls: { ca } })
  assert.is((await trusting.health()).status, 'ok')
  assert.equal(asked, [`GET localhost:${port} Bearer ${API_KEY}`])

  for (const [url, tls] of [
    [options.url, {}],
    // It is not this name's.
    [`https://127.0.0.1:${port}/base`, { ca }],
  ] as const) {
    const careful = createClient({ ...options, url, tls, connectTimeout: 300 })
    const error = await careful.health().catch((refused: unknown) => refused as CoatcheckError)
    assert.is((error as CoatcheckError).code, 'unreachable')
    assert.match((error as CoatcheckError).message, /certificate|altnames/)
    careful.close()
  }
  assert.is(asked.length, 1)
  trusting.close()
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
  rmSync(folder, { recursive: true })
})

test('a unix socket is a way like another', async () => {
  const folder = makeFolder()
  const path = join(folder, 'coatcheck.sock')
  const server = await listenRaw({ address: { path } })
  for (const url of [`unix:${path}`, `unix://${path}`]) {
    const client = createClient({ url, apiKey: API_KEY })
    const { id } = await client.sessions.create({ data: { a: 1 } })
    assert.equal((await client.sessions.get(id))?.data, { a: 1 })
    client.close()
  }
  await server.stop()
  rmSync(folder, { recursive: true })
})

test.run()
