/** A relay between a server and a receiver that are killed in turn: nothing is lost, and what is repeated is known. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Webhook } from 'standardwebhooks'
import type { RunningProgram, RunningServer } from '../kit/process/spawn-server.ts'
import { type Receiver, startReceiver } from '../kit/relay/receiver.ts'
import {
  lineOf,
  makeRelayPlace,
  RELAY_SECRET,
  type RelayPlace,
  until,
} from '../kit/relay/spawn-relay.ts'

const test = suite('relay that is killed')

/** Who dies in each round; the others go on. */
const VICTIMS = [
  'relay',
  'relay that delivers',
  'server',
  'relay',
  'relay with an answer on its way',
  'receiver',
] as const
const ROUNDS = 3

test('killed in turn, server, relay and receiver deliver each event, in order, and repeat at most the one under way', async () => {
  const place = makeRelayPlace()
  const told = createToldReceiver()
  let server = await place.startServer('--keep-events', '1h')
  let receiver = await told.start()
  const { url } = receiver
  let relay = place.startRelay(url, '--start', 'oldest')
  await lineOf(relay, 'feed_connected')
  const load = startLoad(place)
  /** Deaths that may each repeat the event that was under way. */
  let deaths = 0

  for (const victim of Array.from({ length: ROUNDS }, () => VICTIMS).flat()) {
    await sleep(Math.random() * 400)
    if (victim === 'server') {
      await kill(server)
      await sleep(Math.random() * 200)
      server = await place.startServer('--keep-events', '1h')
      continue
    }
    deaths++
    if (victim !== 'receiver') {
      const { kill: killRelay } = relay
      if (victim === 'relay that delivers') told.beforeNext(() => killRelay('SIGKILL'))
      else if (victim !== 'relay') told.afterNext(() => killRelay('SIGKILL'))
      else killRelay('SIGKILL')
      await relay.ended
      relay = place.startRelay(url)
      await lineOf(relay, 'feed_connected')
    } else {
      receiver.close()
      await sleep(Math.random() * 200)
      receiver = await told.start(Number(new URL(url).port))
    }
  }

  const acknowledged = await load.stop()
  const feed = await place.readFeed()
  const last = feed.at(-1)?.id
  // However many there are: only a relay that stands still fails.
  while (told.ids.at(-1) !== last) {
    const { length } = told.ids
    await until(() => told.ids.length > length, 'the next event is delivered')
  }
  relay.kill('SIGTERM')
  assert.is((await relay.ended).code, 0, relay.stderr())
  server.kill('SIGTERM')
  await server.ended
  receiver.close()

  const repeats = told.ids.filter((id, at) => id === told.ids[at - 1]).length
  assert.equal(
    told.ids.filter((id, at) => id !== told.ids[at - 1]),
    feed.map(({ id }) => id),
  )
  assert.ok(repeats <= deaths, `${repeats} repeated, ${deaths} deaths`)
  assert.ok(feed.length >= acknowledged, `${feed.length} events, ${acknowledged} acknowledged`)
  assert.ok(acknowledged > 50, `only ${acknowledged} were acknowledged`)
  assert.is(readFileSync(join(place.folder, 'relay.cursor.dead.ndjson'), 'utf8'), '')
})

test.run()

async function kill(program: RunningProgram | RunningServer): Promise<void> {
  program.kill('SIGKILL')
  await program.ended
}

/** A receiver that verifies, remembers and acknowledges; what it is told survives its own restarts. */
function createToldReceiver() {
  const ids: string[] = []
  const webhook = new Webhook(RELAY_SECRET)
  const nothing = () => {}
  let before = nothing
  let after = nothing
  return {
    ids,
    /** Once, with the next delivery: before it is answered, or just after. */
    beforeNext: (run: () => void) => void (before = run),
    afterNext: (run: () => void) => void (after = run),
    async start(port = 0): Promise<Receiver> {
      const receiver = await startReceiver((_, response) => {
        const { headers = {}, body = '' } = receiver.received.at(-1) ?? {}
        webhook.verify(body, headers)
        ids.push((headers['webhook-id'] ?? '').replace('evt_', ''))
        const [runBefore, runAfter] = [before, after]
        before = after = nothing
        runBefore()
        response.writeHead(204).end(runAfter)
      }, port)
      return receiver
    },
  }
}

/** Sessions that begin and end, as fast as the server answers; `stop` resolves with how many changes it acknowledged. */
function startLoad({ ask }: RelayPlace) {
  let isOver = false
  let acknowledged = 0
  const clients = Array.from({ length: 3 }, run)
  return {
    async stop(): Promise<number> {
      isOver = true
      await Promise.all(clients)
      return acknowledged
    },
  }

  async function run(): Promise<void> {
    while (!isOver) {
      try {
        const made = await ask('POST /sessions', '{"claims":{"sub":"ada"}}')
        if (made.status !== 201) continue
        acknowledged++
        const { id }: { id: string } = JSON.parse(made.body)
        if ((await ask(`DELETE /sessions/${id}`)).status === 204) acknowledged++
        await sleep(5)
      } catch {
        // The server is away.
        await sleep(50)
      }
    }
  }
}
