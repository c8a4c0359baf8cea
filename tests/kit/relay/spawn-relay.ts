import { writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  makeFolder,
  type RunningProgram,
  type RunningServer,
  spawnProgram,
  spawnServer,
} from '../process/spawn-server.ts'
import { bodyOf } from './receiver.ts'

export const RELAY_KEY = 'ck_the-key-of-the-relay-in-tests'
export const RELAY_SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`

/** A server on a socket, which is the same after a restart, and the files of a relay beside it. */
export type RelayPlace = {
  readonly folder: string
  /** For `--from`, and for `spawnServer` as `--listen`. */
  readonly socket: string
  startServer(...flags: readonly string[]): Promise<RunningServer>
  /** Starts a relay to this address, and leaves it running. */
  startRelay(to: string, ...flags: readonly string[]): RunningProgram
  /** The same with all flags, and more variables. */
  startRelayWith(flags: readonly string[], env?: NodeJS.ProcessEnv): RunningProgram
  /** Asks the server with the key. Rejects while it is away. */
  ask(line: string, body?: string): Promise<{ readonly status: number; readonly body: string }>
  /** All events that the feed keeps, the oldest first. */
  readFeed(): Promise<{ readonly id: string; readonly type: string }[]>
}

export function makeRelayPlace(): RelayPlace {
  const folder = makeFolder()
  const path = join(folder, 'server.sock')
  const socket = `unix:${path}`
  writeFileSync(join(folder, 'secret'), `${RELAY_SECRET}\n`)
  const env = { COATCHECK_API_KEY: RELAY_KEY }

  const place: RelayPlace = {
    folder,
    socket,
    startServer: (...flags) =>
      spawnServer(['--data', join(folder, 'sessions.db'), '--listen', socket, ...flags], env),
    startRelay: (to, ...flags) => place.startRelayWith([...flagsOf(folder, socket, to), ...flags]),
    startRelayWith: (flags, more = {}) => spawnProgram(['relay', ...flags], { ...env, ...more }),
    async ask(line, body) {
      const [method, target] = line.split(' ')
      const headers = { Authorization: `Bearer ${RELAY_KEY}`, Host: 'localhost' }
      const asked = request({ socketPath: path, method, path: target, headers, agent: false })
      const answer = await new Promise<{ status: number; body: string }>((resolve, reject) => {
        asked.on('error', reject)
        asked.on('response', (response) => {
          bodyOf(response).then(
            (text) => resolve({ status: response.statusCode ?? 0, body: text }),
            reject,
          )
        })
        asked.end(body)
      })
      return answer
    },
    async readFeed() {
      const all: { id: string; type: string }[] = []
      let after = '0'
      for (;;) {
        const { body } = await place.ask(
          `GET /events?limit=1000&after=${encodeURIComponent(after)}`,
        )
        const { events, next }: { events: { id: string; type: string }[]; next: string } =
          JSON.parse(body)
        all.push(...events)
        if (next === after || events.length === 0) return all
        after = next
      }
    },
  }
  return place
}

/** The flags of a relay whose files are in this folder. */
export function flagsOf(folder: string, from: string, to: string): string[] {
  return [
    ...['--from', from, '--to', to, '--secret-file', join(folder, 'secret')],
    ...['--cursor-file', join(folder, 'relay.cursor')],
  ]
}

/** The lines of a log, as far as they are whole. */
export function linesOf(program: Pick<RunningProgram, 'stderr'>): Record<string, unknown>[] {
  return program
    .stderr()
    .split('\n')
    .slice(0, -1)
    .filter((line) => line.startsWith('{'))
    .map((line): Record<string, unknown> => JSON.parse(line))
}

/** Resolves with the first line of this event; rejects where the program ends without it. */
export async function lineOf(
  program: RunningProgram,
  event: string,
): Promise<Record<string, unknown>> {
  let isOver = false
  void program.ended.then(() => (isOver = true))
  for (;;) {
    const found = linesOf(program).find((line) => line['event'] === event)
    if (found !== undefined) return found
    if (isOver) throw new Error(`It ended without ${event}: ${program.stderr()}`)
    await sleep(10)
  }
}

/** Waits until it is so, and fails where that takes a minute. */
export async function until(isSo: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const endsAt = performance.now() + 60_000
  while (!(await isSo())) {
    if (performance.now() > endsAt) throw new Error(`Not within a minute: ${what}`)
    await sleep(20)
  }
}
