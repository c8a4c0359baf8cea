/** A stop keeps its time, and the writer has its part of it, whoever hangs and whoever keeps coming. */
import { connect } from 'node:net'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { makeFolder, spawnServer } from '../kit/process/spawn-server.ts'

const test = suite('stop time')

test('clients that keep coming and one that hangs do not take the time that the writer needs', async () => {
  const path = `${makeFolder()}/sessions.db`
  const server = await spawnServer(['--data', path, '--stop-timeout', '3s'])
  const { hostname, port } = new URL(server.url)
  const address = { host: hostname, port: Number(port) }
  const hanging = connect(address)
  hanging.on('error', () => {})
  hanging.write('PUT /session/user HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n"a')

  let isOver = false
  const knock = (): void => {
    if (isOver) return
    const socket = connect(address)
    socket.on('error', () => {})
    socket.once('close', () => setImmediate(knock))
    socket.once('connect', () => socket.destroy())
  }
  for (let client = 0; client < 100; client++) knock()
  server.kill('SIGTERM')
  const { code, stderr } = await server.ended
  isOver = true
  hanging.destroy()
  assert.is(code, 0, stderr)
  assert.not.match(stderr, /took too long/)
})

test.run()
