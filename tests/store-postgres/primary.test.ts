import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { parseAddress } from '../../lib/base/database-address.ts'
import { connectToPrimary } from '../../lib/store-postgres/connection/primary.ts'

const test = suite('the primary')

/** AuthenticationSASL of PostgreSQL's protocol, 3.0: the server asks for a password. */
const PASSWORD_WANTED = Buffer.from('R\0\0\0\x17\0\0\0\x0aSCRAM-SHA-256\0\0', 'latin1')

test('a server that asks for a password that there is not is left at once', async () => {
  const server = createServer((socket) => socket.once('data', () => socket.write(PASSWORD_WANTED)))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const accepted = once(server, 'connection')
  const { port } = server.address() as AddressInfo
  const refused = await connectToPrimary({
    ...parseAddress(`postgres://coat@127.0.0.1:${port}/coat`),
    password: undefined,
    applicationName: 'a test',
    connectTimeoutMs: 60_000,
    setup: [],
  }).catch(String)
  assert.match(String(refused), /it asks for a password, and there is none/)
  const [socket] = await accepted
  if (!socket.closed) await once(socket, 'close')
  server.close()
})

test.run()
