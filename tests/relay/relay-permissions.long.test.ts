/** What code injected into a running relay can do: reach other machines, and nothing on its own. */
import { rmSync } from 'node:fs'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { ATTEMPTS, isRefused, probedProgram, probesOf } from '../kit/process/probed-program.ts'
import { PROGRAM, spawnProgram } from '../kit/process/spawn-server.ts'
import { startReceiver } from '../kit/relay/receiver.ts'
import { flagsOf, lineOf, makeRelayPlace, RELAY_KEY, until } from '../kit/relay/spawn-relay.ts'

const test = suite('permissions of a relay')

/** What a relay is for. */
const NET = [
  'ask a name server',
  'connect over TLS',
  'connect to a unix socket',
  'connect to another host',
  'fetch from another host',
  'listen on another port',
  'look a name up',
  'receive datagrams',
  'send a datagram',
]

test('code injected into a relay can use the network and nothing else, and the relay goes on', async () => {
  const place = makeRelayPlace()
  const server = await place.startServer()
  const receiver = await startReceiver((_, response) => response.end())
  const program = await probedProgram(place.folder)
  const flags = ['relay', ...flagsOf(place.folder, place.socket, receiver.url)]
  const relay = spawnProgram(flags, { COATCHECK_API_KEY: RELAY_KEY }, [], program)
  await lineOf(relay, 'feed_connected')
  relay.kill('SIGUSR2')
  // What is allowed may never call back.
  const calledBack = ATTEMPTS.filter((attempt) => !NET.includes(attempt))
  const tried = () => new Set(probesOf(relay).map(({ attempt }) => attempt))
  await until(() => calledBack.every((attempt) => tried().has(attempt)), 'all are tried')
  const allowed = probesOf(relay).filter((probed) => !isRefused(probed))
  assert.equal(
    allowed.map(({ attempt }) => attempt).filter((attempt) => !NET.includes(attempt)),
    [],
  )
  assert.ok(allowed.length > 0)

  await place.ask('POST /sessions', '{}')
  await until(() => receiver.received.length === 1, 'a delivery')
  // What the probe has opened does not hold it up.
  relay.kill('SIGTERM')
  assert.is((await relay.ended).code, 0)
  server.kill('SIGTERM')
  await server.ended
  receiver.close()
  if (PROGRAM.length === 1) rmSync(program[0] ?? '')
})

test.run()
