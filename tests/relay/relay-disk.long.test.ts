/** What a relay writes is on disk when it goes on, and a disk that fails stops it. */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { EXIT } from '../../lib/command-line/exit-codes.ts'
import { spawnProgram } from '../kit/process/spawn-server.ts'
import { startReceiver } from '../kit/relay/receiver.ts'
import {
  flagsOf,
  makeRelayPlace,
  RELAY_KEY,
  type RelayPlace,
  until,
} from '../kit/relay/spawn-relay.ts'
import { skip } from '../kit/runner/skip.ts'

const test = suite('disk of a relay')

test('cursor and dead letters are opened so that each write is on disk when it returns', async () => {
  const place = makeRelayPlace()
  const server = await place.startServer()
  await place.ask('POST /sessions', '{}')
  // This one ends the relay by itself, which strace would not hand a signal on to.
  const receiver = await startReceiver((_, response) => response.writeHead(410).end())
  const files = ['relay.cursor', 'relay.cursor.dead.ndjson'].map((name) => join(place.folder, name))
  const made = place.startRelay(receiver.url, '--start', 'oldest')
  assert.is((await made.ended).code, EXIT.receiverGone)
  const { relay, trace } = startTraced(place, receiver.url, files, 'trace=openat')
  assert.is((await relay.ended).code, EXIT.receiverGone)
  const opened = trace()
    .split('\n')
    .filter((line) => line.includes('openat'))
  for (const file of files) {
    const ways = opened.filter((line) => line.includes(`"${file}"`))
    assert.ok(ways.length > 0, file)
    for (const way of ways) assert.match(way, 'O_SYNC')
  }
  server.kill('SIGTERM')
  await server.ended
  receiver.close()
})

test('a cursor that cannot be written ends the relay with 74, and the event comes again, in its order', async () => {
  const place = makeRelayPlace()
  const server = await place.startServer()
  for (let n = 0; n < 3; n++) await place.ask('POST /sessions', '{}')
  const events = (await place.readFeed()).map(({ id }) => id)
  const receiver = await startReceiver((_, response) => response.end())
  // Of where it starts, of the first event; then the disk fails.
  const inject = 'inject=pwrite64:error=EIO:when=3+'
  const files = [join(place.folder, 'relay.cursor')]
  const { relay } = startTraced(place, receiver.url, files, 'trace=pwrite64', '-e', inject)
  const { code, stderr } = await relay.ended
  assert.is(code, EXIT.diskFailed, stderr)
  assert.match(stderr, /Cannot write .*relay.cursor: EIO; the event under way comes again/)
  assert.is(receiver.received.length, 2)

  const next = place.startRelay(receiver.url)
  await until(() => receiver.received.length === 4, 'the rest')
  next.kill('SIGTERM')
  assert.is((await next.ended).code, 0)
  const ids = receiver.received.map(({ headers }) => headers['webhook-id']?.replace('evt_', ''))
  assert.equal(ids, [events[0], events[1], events[1], events[2]])
  server.kill('SIGTERM')
  await server.ended
  receiver.close()
})

test.run()

/** A relay whose calls about these files strace sees. */
function startTraced(
  place: RelayPlace,
  to: string,
  files: readonly string[],
  ...expressions: readonly string[]
) {
  const { status } = spawnSync('strace', ['-qq', '-o', '/dev/null', 'true'])
  if (status !== 0) skip('strace cannot trace here')
  const output = join(place.folder, 'trace')
  const [first = '', ...others] = expressions
  const paths = files.flatMap((file) => ['-P', file])
  const under = ['strace', '-f', '-qq', '-o', output, ...paths, '-e', first, ...others]
  const flags = ['relay', ...flagsOf(place.folder, place.socket, to), '--start', 'oldest']
  const relay = spawnProgram(flags, { COATCHECK_API_KEY: RELAY_KEY }, under)
  return { relay, trace: () => readFileSync(output, 'utf8') }
}
