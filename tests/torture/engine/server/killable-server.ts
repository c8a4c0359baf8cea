/** A server on one data file that is killed and started again while it is asked. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Answer, openClient, type Sent } from '../../../kit/clients/http-client.ts'
import { API_KEY } from '../../../kit/process/open-server.ts'
import type { RunningServer } from '../../../kit/process/spawn-server.ts'
import type { Given } from '../../torture.ts'

/** An answer, and when it was asked for and had, by `performance.now()`. */
export type Exchange = {
  /** Undefined where none came: nobody knows what became of the request. */
  readonly answer: Answer | undefined
  readonly calledAt: number
  readonly returnedAt: number
  /** Which life of the server it was in: 0 until it was killed once. */
  readonly life: number
}

export type KillableServer = {
  /** Waits while the server is down; throws where it has ended by itself. */
  exchange(line: string, sent?: Sent): Promise<Exchange>
  /** When a life was over: what had not happened by then never did. Infinite for one that goes on. */
  endOf(life: number): number
  /** Kills it, and starts it again; resolves once it is back. */
  kill(): Promise<void>
  kills(): number
}

/** A server on a data file of the run, the same each time; `API_KEY` is in force. */
export async function startWithKey(
  { folder, spawn }: Given,
  settings: readonly string[] = [],
): Promise<RunningServer> {
  const data = join(folder, 'sessions.db')
  writeFileSync(`${data}.api-key`, `${API_KEY}\n`)
  return await spawn(['--data', data, ...settings])
}

export async function openKillableServer(
  given: Given,
  settings: readonly string[] = [],
): Promise<KillableServer> {
  const ends: number[] = []
  let lives = 0

  async function start() {
    const server = await startWithKey(given, settings)
    const life = { number: lives++, server, client: openClient(server.url), isKilled: false }
    void server.ended.then(() => (ends[life.number] = performance.now()))
    return life
  }

  let current = start()
  await current

  return {
    async exchange(line, sent) {
      const { number: life, server, client, isKilled } = await current
      if (ends[life] !== undefined && !isKilled) {
        throw new Error(`The server has ended by itself: ${server.stderr()}`)
      }
      const calledAt = performance.now()
      const answer = await client.ask(line, sent).catch(() => undefined)
      return { answer, calledAt, returnedAt: performance.now(), life }
    },

    endOf: (life) => ends[life] ?? Infinity,

    async kill() {
      const life = await current
      life.isKilled = true
      current = life.server.ended.then(() => {
        life.client.close()
        return start()
      })
      life.server.kill('SIGKILL')
      await current
    },

    kills: () => lives - 1,
  }
}
