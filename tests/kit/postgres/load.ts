// Increments and log-outs through several stores on one database, with account of what was acknowledged.
import { CodedError } from '../../../lib/base/errors.ts'
import type { Clock } from '../../../lib/base/clock.ts'
import type { Session } from '../../../lib/session/session.ts'
import { until } from './cluster.ts'
import { sessionAt } from '../store/session-at.ts'

/** What the load asks of a store, or of what stands for one. */
export type LoadedStore = {
  find(id: string, now: number): Looked | Promise<Looked>
  insert(session: Session): Promise<unknown>
  change(id: string, now: number, operation: typeof INCREMENT): Promise<{ readonly state: string }>
  end(id: string, now: number, reason: 'logout'): Promise<{ readonly state: string }>
}

export type Looked =
  | { readonly state: 'live'; readonly session: { readonly data: string } }
  | { readonly state: 'ended' | 'absent' }

export type Opened = { readonly store: LoadedStore; readonly clock: Pick<Clock, 'now'> }

/** What was told: `unknown` may have happened, `refused` must not have. */
export type Tally = {
  readonly counters: Readonly<Record<string, { acknowledged: number; unknown: number }>>
  /** Ids of sessions whose end was acknowledged. */
  readonly loggedOut: readonly string[]
  readonly refused: Readonly<Record<string, number>>
  /** The longest time for which one of the stores has acknowledged no write. */
  readonly longestPauseMs: number
  /** The longest time for which one of them has answered no read. */
  readonly longestBlindMs: number
  /** How long after its acknowledged end a session was last shown as live; 0 for never. */
  readonly stalestMs: number
}

export type Load = { stop(): Promise<Tally> }

const COUNTERS = 3
const PAUSE_MS = 20
const MOST_AT_ONCE = 20

/** `name`: of this load's own sessions; those of the counters are there for all loads. */
export async function startLoad(name: string, stores: readonly Opened[]): Promise<Load> {
  const counters: Record<string, { acknowledged: number; unknown: number }> = {}
  const loggedOut: string[] = []
  const refused: Record<string, number> = {}
  let isOver = false
  let stalestMs = 0
  const ends: { id: string; at: number }[] = []
  const acknowledged = createPauses(stores)
  const answered = createPauses(stores)

  async function refuse(error: unknown): Promise<string> {
    // What has no code is a fault of the store's.
    if (!(error instanceof CodedError)) throw error
    refused[error.code] = (refused[error.code] ?? 0) + 1
    await pause()
    return error.code
  }

  async function count(id: string, opened: Opened): Promise<void> {
    const counter = (counters[id] ??= { acknowledged: 0, unknown: 0 })
    while (!isOver) {
      try {
        const changed = await opened.store.change(id, opened.clock.now(), INCREMENT)
        if (changed.state !== 'live') throw new Error(`The counter ${id} is ${changed.state}`)
        counter.acknowledged++
        acknowledged.end(opened)
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
        acknowledged.end(other)
      } catch (error) {
        await refuse(error)
      }
    }
  }

  async function look(opened: Opened): Promise<void> {
    const { store, clock } = opened
    while (!isOver) {
      const { id, at } = ends[Math.floor(Math.random() * ends.length)] ?? {}
      if (id === undefined || at === undefined) await pause()
      else {
        const askedAt = performance.now()
        const found = await Promise.resolve(store.find(id, clock.now())).catch(refuse)
        if (typeof found !== 'object') continue
        answered.end(opened)
        if (found.state === 'live') stalestMs = Math.max(stalestMs, askedAt - at)
      }
    }
  }

  await makeCounters(turnOf(stores, 0))
  const work = [
    // Of two stores, each counts on each.
    ...Array.from({ length: COUNTERS * 2 }, (_, n) =>
      count(`counter-${n % COUNTERS}`, turnOf(stores, n)),
    ),
    ...Array.from({ length: 4 }, (_, n) => logInAndOut(n)),
    ...Array.from({ length: 2 }, (_, n) => look(turnOf(stores, n))),
  ]
  const done = Promise.all(work)
  // Whoever stops it sees the failure.
  done.catch(() => {})
  return {
    async stop() {
      isOver = true
      await done
      const [longestPauseMs, longestBlindMs] = [acknowledged.longestMs(), answered.longestMs()]
      return { counters, loggedOut, refused, longestPauseMs, longestBlindMs, stalestMs }
    },
  }
}

/**
 * What the store does not show of it: `lost` increments, and ends that are `undone`, of these sessions. The
 * tallies are of all loads that there have been on this database.
 */
export async function findLost(
  { store, clock }: Opened,
  tallies: readonly Tally[],
  ended: readonly string[] = tallies.flatMap(({ loggedOut }) => loggedOut),
) {
  let lost = 0
  let surplus = 0
  for (let n = 0; n < COUNTERS; n++) {
    const id = `counter-${n}`
    const found = await until(async () => store.find(id, clock.now()))
    const data = found.state === 'live' ? (JSON.parse(found.session.data) as { n?: number }) : {}
    const value = data.n ?? 0
    const sum = (what: 'acknowledged' | 'unknown') =>
      tallies.reduce((total, { counters }) => total + (counters[id]?.[what] ?? 0), 0)
    lost += Math.max(0, sum('acknowledged') - value)
    surplus += Math.max(0, value - sum('acknowledged') - sum('unknown'))
  }
  const undone: string[] = []
  for (let from = 0; from < ended.length; from += MOST_AT_ONCE) {
    const ids = ended.slice(from, from + MOST_AT_ONCE)
    const found = await Promise.all(ids.map((id) => until(async () => store.find(id, clock.now()))))
    for (const [n, { state }] of found.entries())
      if (state !== 'ended') undone.push(`${ids[n]} is ${state}`)
  }
  return { lost, surplus, undone }
}

export const INCREMENT = { name: 'increment', key: 'n', by: '1' } as const

/** The longest time between two ends of a pause, each store for itself. */
function createPauses(stores: readonly Opened[]) {
  const startedAt = new Map(stores.map((opened) => [opened, performance.now()]))
  let longestMs = 0

  function end(opened: Opened): void {
    const now = performance.now()
    longestMs = Math.max(longestMs, now - (startedAt.get(opened) ?? now))
    startedAt.set(opened, now)
  }

  return {
    end,
    /** Also of those that have not ended. */
    longestMs() {
      for (const opened of stores) end(opened)
      return longestMs
    },
  }
}

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
