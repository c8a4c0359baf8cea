/** The servers of a run, which share its sessions, as one that is killed and started again while it is asked. */
import {
  type Answer,
  type AskServer,
  openClient,
  type Sent,
} from '../../../kit/clients/http-client.ts'
import type { Given } from '../../torture.ts'
import type { Member } from './members.ts'

/** An answer, and when it was asked for and had, by `performance.now()`. */
export type Exchange = {
  /** Undefined where none came: nobody knows what became of the request. */
  readonly answer: Answer | undefined
  readonly calledAt: number
  readonly returnedAt: number
  /** Which life of which server it was in: 0 until one was killed. */
  readonly life: number
}

export type Fleet = {
  /**
   * Asks one server after the other, of those that are up; waits while none is. Throws where one has
   * ended by itself.
   */
  exchange(line: string, sent?: Sent): Promise<Exchange>
  /** The same where no server is killed: throws where no answer comes. */
  readonly ask: AskServer
  /** When a life was over: what had not happened by then never did. Infinite for one that goes on. */
  endOf(life: number): number
  /** Kills one server, and starts it again; resolves once it is back. */
  kill(): Promise<void>
  kills(): number
  /** The clocks of two servers may be so far apart. */
  readonly clockErrorMs: number
  /** When to stop: as given, with as much time more as the servers took to start. */
  readonly endsAt: number
}

/** Servers share a machine here, but each asks a database for the time, and a busy one is slow to answer. */
const CLOCK_ERROR_MS = 250

/** Starts every member of the run; `API_KEY` is in force. */
export async function openFleet(
  { members, spawn, endsAt }: Given,
  settings: readonly string[] = [],
): Promise<Fleet> {
  const openedAt = performance.now()
  const ends: number[] = []
  let lives = 0
  let kills = 0
  let turn = 0

  async function start(member: Member) {
    const server = await spawn([...member.args, ...settings])
    const life = { number: lives++, server, client: openClient(server.url), isKilled: false }
    void server.ended.then(() => {
      if (!life.isKilled) ends[life.number] = performance.now()
    })
    return life
  }

  const all = await Promise.all(
    members.map(async (member) => {
      return { member, current: await start(member), back: Promise.resolve() }
    }),
  )

  const tookMs = performance.now() - openedAt

  /** The next one that is up; while none is, the next one, once it is back. */
  async function next() {
    const first = turn++
    const inTurn = all.map((_, n) => all[(first + n) % all.length]!)
    const chosen = inTurn.find(({ current }) => !current.isKilled) ?? inTurn[0]!
    await chosen.back
    return chosen.current
  }

  async function exchange(line: string, sent?: Sent): Promise<Exchange> {
    const life = await next()
    if (ends[life.number] !== undefined && !life.isKilled) {
      throw new Error(`The server has ended by itself: ${life.server.stderr()}`)
    }
    const calledAt = performance.now()
    const answer = await life.client.ask(line, sent).catch(() => undefined)
    return { answer, calledAt, returnedAt: performance.now(), life: life.number }
  }

  return {
    exchange,

    async ask(line, sent) {
      const { answer } = await exchange(line, sent)
      if (answer === undefined) throw new Error(`No answer came to ${line}`)
      return answer
    },

    endOf: (life) => ends[life] ?? Infinity,

    async kill() {
      const one = all[kills++ % all.length]!
      const { current, member } = one
      current.isKilled = true
      current.server.kill('SIGKILL')
      one.back = current.server.ended.then(async () => {
        await member.isQuiet()
        ends[current.number] = performance.now()
        current.client.close()
        one.current = await start(member)
      })
      await one.back
    },

    kills: () => kills,

    clockErrorMs: all.length > 1 ? CLOCK_ERROR_MS : 0,
    endsAt: endsAt + tookMs,
  }
}
