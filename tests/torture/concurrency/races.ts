/**
 * What ends a session, empties it or gives it another token, against what reads and writes it at the
 * same moment over 8 connections; and what has ended stays so when the server is killed.
 */
import type { Breakage } from '../engine/server/breakage.ts'
import { type Fleet, openFleet } from '../engine/server/fleet.ts'
import type { Random } from '../engine/random.ts'
import { makeStep, type StepKind } from '../engine/model/random-steps.ts'
import { beginHistory, type SessionHistory } from '../engine/model/session-history.ts'
import type { Torture } from '../torture.ts'

const CONNECTIONS = 8
/** Races that are under way together, so that writes of one travel with those of others. */
const RACERS = 4
/** Of races against a deadline, which is a second away, more can be. */
const TIMED_RACERS = 40
const LIFE_MS = 1_500
/** This clock and the server's may part by so much within a second. */
const DRIFT_MS = 2
/** So long before a deadline a race may begin, and so long it may take. */
const AROUND_MS = 12
const DATA = new Map([
  ['user', '"ada"'],
  ['hits', '7'],
])
/** Races that are looked at once more after a kill, each time this many of the latest. */
const REMEMBERED = 40

const WINNERS = ['end', 'clear', 'renew'] as const
const LOSERS: readonly StepKind[] = [
  ...(['read', 'get', 'set', 'set', 'pop', 'increment', 'append', 'set if new'] as const),
]

const breakages: Readonly<Record<string, Breakage>> = {
  'log-out-leaves-session': {
    seam: 'finish',
    by: `function finish(session, now, reason) {
  if (reason === 'logout') return tombstones.bury(endSession(session, reason, now))`,
  },
  'renewal-leaves-no-trace': { seam: 'renewal-tombstone', by: 'if (isRenewed) void before' },
  'renewal-leaves-hot': { seam: 'renewed-not-hot', by: 'return' },
  'clear-leaves-data': { seam: 'clear-empties', by: 'return { session }' },
  'served-after-deadline': { seam: 'expiry', by: 'return now < expiresAt(session) + 20' },
  'idles-on': {
    seam: 'expiry',
    by: 'return now < Math.min(expiresAt(session) + 9 * session.idleTimeoutMs, lifetimeEndsAt(session))',
  },
  'kill-undoes-ends': { seam: 'writer-starts', before: "database.exec('delete from tombstones')" },
}

const databaseBreakages: Readonly<Record<string, Breakage>> = {
  'row-written-over': { seam: 'row-as-read', by: "const IS_AS_READ = 's.number = v.number'" },
  // Each server goes by the activity that it has seen itself.
  'over-before-all-agree': [
    {
      seam: 'due-until-sealed',
      by: `const reason = touched.lifetimeMs <= touched.idleTimeoutMs ? 'lifetime' : 'idle_timeout'
return isLive(touched, now)
  ? { state: 'live', session: touched }
  : findEnded(endSession(touched, reason, now), now, keepEndedMs)`,
    },
    { seam: 'edge-activity-first', by: 'return undefined' },
  ],
}

export const racesTorture: Torture = {
  about: 'to use a session past its end, its expiry, its emptying or its renewal',
  breakages,
  databaseBreakages,
  async run(given) {
    const { random } = given
    // The sweep is one more in each race against a deadline.
    const fleet = await openFleet(given, ['--sweep-interval', '50ms'])
    const violations: string[] = []
    const figures = { races: 0, 'against time': 0, 'after a kill': 0 }
    const isOver = () => performance.now() >= fleet.endsAt || violations.length > 0
    let remembered: SessionHistory[] = []

    function take(history: SessionHistory): void {
      const violation = history.findViolation()
      if (violation !== undefined) violations.push(violation)
      remembered = [...remembered.slice(1 - REMEMBERED), history]
    }

    async function raceOn(
      own: Random,
      figure: 'races' | 'against time',
      one: typeof raceStep,
    ): Promise<void> {
      while (!isOver()) {
        take(await one(fleet, own))
        figures[figure]++
      }
    }

    async function killAndLook(): Promise<void> {
      for (;;) {
        const diesAt = performance.now() + LIFE_MS
        while (performance.now() < diesAt && !isOver()) await waitUntil(performance.now() + 10)
        if (isOver()) return
        await fleet.kill()
        const before = remembered
        await Promise.all(before.map((history) => lookAgain(history)))
        for (const history of before) {
          const violation = history.findViolation()
          if (violation !== undefined) violations.push(violation)
        }
        figures['after a kill'] += before.length
      }
    }

    await Promise.all([
      killAndLook(),
      ...Array.from({ length: RACERS }, () => raceOn(random.fork(), 'races', raceStep)),
      ...Array.from({ length: TIMED_RACERS }, () =>
        raceOn(random.fork(), 'against time', raceDeadline),
      ),
    ])
    return { violations, figures: { ...figures, kills: fleet.kills() } }
  },
}

/** One or two that end, clear or renew, and others that know nothing of it. */
async function raceStep(fleet: Fleet, random: Random): Promise<SessionHistory> {
  const history = await beginHistory(fleet, DATA)
  const places = [random.below(CONNECTIONS), random.oneIn(3) ? random.below(CONNECTIONS) : -1]
  await race(history, random, (n) => random.pick(places.includes(n) ? WINNERS : LOSERS))
  await lookAgain(history)
  return history
}

/**
 * All at the deadline of a lifetime, at which everything is over; or of an idle timeout, which each
 * that is in time puts off once more, but none that comes after the end.
 */
async function raceDeadline(fleet: Fleet, random: Random): Promise<SessionHistory> {
  const isIdle = random.oneIn(2)
  const history = await beginHistory(fleet, DATA, isIdle ? { idleTimeout: 1 } : { lifetime: 1 })
  const [earliest, latest] = history.expiresAt
  const aroundMs = AROUND_MS + fleet.clockErrorMs
  const first = earliest - random.below(aroundMs)
  const within = 1 + random.below(aroundMs)
  await race(
    history,
    random,
    () => random.pick(LOSERS),
    () => first + random.below(within),
  )
  // Whoever was told that it has ended must not find it live now.
  if (isIdle) await lookAgain(history)
  // A kill forgets activity of the last second, so that the end may come all the sooner.
  const by = (isIdle ? performance.now() + 1_000 + DRIFT_MS : latest) + fleet.clockErrorMs
  history.noteExpiry(isIdle ? 'idle_timeout' : 'lifetime', earliest - fleet.clockErrorMs, by)
  await waitUntil(by)
  await lookAgain(history)
  return history
}

async function race(
  history: SessionHistory,
  random: Random,
  kindOf: (n: number) => StepKind,
  momentOf: () => number = () => 0,
): Promise<void> {
  const racing = Array.from({ length: CONNECTIONS }, async (_, n) => {
    const step = makeStep(kindOf(n), random, { value: n, version: 1 + random.below(3) })
    await waitUntil(momentOf())
    return await history.perform(
      { generation: 0, by: random.oneIn(4) ? 'back end' : 'holder' },
      step,
    )
  })
  await Promise.all(racing)
}

/** With each token, before a late write and after it. */
async function lookAgain(history: SessionHistory): Promise<void> {
  for (const generation of history.generations()) {
    await history.perform({ generation, by: 'holder' }, { name: 'read' })
    await history.perform({ generation, by: 'back end' }, { name: 'read' })
    await history.perform({ generation, by: 'holder' }, { name: 'set', key: 'late', value: '1' })
    await history.perform({ generation, by: 'holder' }, { name: 'read' })
  }
}

async function waitUntil(moment: number): Promise<void> {
  const left = moment - performance.now()
  if (left > 0) await new Promise((resolve) => setTimeout(resolve, left))
}
