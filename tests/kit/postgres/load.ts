// Increments and log-outs through several stores on one database, with account of what was acknowledged.
import { CodedError } from '../../../lib/base/errors.ts'
import type { Clock } from '../../../lib/base/clock.ts'
import type { Store } from '../../../lib/store/store.ts'
import { sessionAt } from '../store/session-at.ts'

export type Opened = { readonly store: Store; readonly clock: Clock }

/** What was told: `unknown` may have happened, `refused` must not have. */
export type Tally = {
  readonly counters: Readonly<Record<string, { acknowledged: number; unknown: number }>>
  /** Ids of sessions whose end was acknowledged. */
  readonly loggedOut: readonly string[]
  readonly refused: Readonly<Record<string, number>>
  /** The longest time without an acknowledgement. */
  readonly longestPauseMs: number
  /** How long after its acknowledged end a session was last shown as live; 0 for never. */
  readonly stalestMs: number
}

export type Load = { stop(): Promise<Tally> }

const COUNTERS = 3
const PAUSE_MS = 20

/** `name`: of this load's own sessions; those of the counters are there for all loads. */
export async function startLoad(name: string, stores: readonly Opened[]): Promise<Load> {
  const counters: Record<string, { acknowledged: number; unknown: number }> = {}
  const loggedOut: string[] = []
  const refused: Record<string, number> = {}
  let isOver = false
  let ackedAt = performance.now()
  let longestPauseMs = 0
  let stalestMs = 0
  const ends: { id: string; at: number }[] = []

  function acknowledge(): void {
    const now = performance.now()
    longestPauseMs = Math.max(longestPauseMs, now - ackedAt)
    ackedAt = now
  }

  async function refuse(error: unknown): Promise<string> {
    // What has no code is a fault of the store's.
    if (!(error instanceof CodedError)) throw error
    refused[error.code] = (refused[error.code] ?? 0) + 1
    await pause()
    return error.code
  }

  async function count(id: string, first: number): Promise<void> {
    const counter = (counters[id] ??= { acknowledged: 0, unknown: 0 })
    for (let turn = first; !isOver; turn++) {
      const { store, clock } = turnOf(stores, turn)
      try {
        const changed = await store.change(id, clock.now(), INCREMENT)
        if (changed.state !== 'live') throw new Error(`The counter ${id} is ${changed.state}`)
        counter.acknowledged++
        acknowledge()
      } catch (error) {
        if ((await refuse(error)) === 'outcome_unknown') counter.unknown++
      }
    }
  }

  async function logInAndOut(worker: number): Promise<void> {
    for (let turn = worker; !isOver; turn++) {
      const id = `${name}-${worker}-${turn}`
      const [one, other] = [turnOf(stores, turn), turnOf(stores, turn + 1)]
      try {
        await one.store.insert(sessionAt(one.clock.now(), { id }))
        const ended = await other.store.end(id, other.clock.now(), 'logout')
        if (ended.state !== 'live') throw new Error(`The session ${id} was ${ended.state}`)
        loggedOut.push(id)
        ends.push({ id, at: performance.now() })
        acknowledge()
      } catch (error) {
        await refuse(error)
      }
    }
  }

  async function look(): Promise<void> {
    for (let turn = 0; !isOver; turn++) {
      const { id, at } = ends[Math.floor(Math.random() * ends.length)] ?? {}
      const { store, clock } = turnOf(stores, turn)
      if (id === undefined || at === undefined) await pause()
      else {
        const askedAt = performance.now()
        const found = await Promise.resolve(store.find(id, clock.now())).catch(refuse)
        const isLive = typeof found === 'object' && found.state === 'live'
        if (isLive) stalestMs = Math.max(stalestMs, askedAt - at)
      }
    }
  }

  await makeCounters(turnOf(stores, 0))
  const work = [
    ...Array.from({ length: COUNTERS * 2 }, (_, n) => count(`counter-${n % COUNTERS}`, n)),
    ...Array.from({ length: 4 }, (_, n) => logInAndOut(n)),
    look(),
    look(),
  ]
  const done = Promise.all(work)
  // Whoever stops it sees the failure.
  done.catch(() => {})
  return {
    async stop() {
      isOver = true
      await done
      longestPauseMs = Math.max(longestPauseMs, performance.now() - ackedAt)
      return { counters, loggedOut, refused, longestPauseMs, stalestMs }
    },
  }
}

/** What the store does not show of it: `lost` increments, and ends that are `undone`. */
export async function findLost({ store, clock }: Opened, tallies: readonly Tally[]) {
  let lost = 0
  let surplus = 0
  for (let n = 0; n < COUNTERS; n++) {
    const id = `counter-${n}`
    const found = await store.find(id, clock.now())
    const data = found.state === 'live' ? (JSON.parse(found.session.data) as { n?: number }) : {}
    const value = data.n ?? 0
    const sum = (what: 'acknowledged' | 'unknown') =>
      tallies.reduce((total, { counters }) => total + (counters[id]?.[what] ?? 0), 0)
    lost += Math.max(0, sum('acknowledged') - value)
    surplus += Math.max(0, value - sum('acknowledged') - sum('unknown'))
  }
  const undone: string[] = []
  for (const id of tallies.flatMap(({ loggedOut }) => loggedOut)) {
    const found = await store.find(id, clock.now())
    if (found.state !== 'ended') undone.push(`${id} is ${found.state}`)
  }
  return { lost, surplus, undone }
}

export const INCREMENT = { name: 'increment', key: 'n', by: '1' } as const

async function makeCounters({ store, clock }: Opened): Promise<void> {
  for (let n = 0; n < COUNTERS; n++) {
    await store.insert(sessionAt(clock.now(), { id: `counter-${n}` }))
  }
}

function turnOf(stores: readonly Opened[], turn: number): Opened {
  const store = stores[turn % stores.length]
  if (store === undefined) throw new Error('There is no store')
  return store
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, PAUSE_MS))
}
