/**
 * Many clients on few sessions, with everything that can be done to one, while the server is killed
 * and started again and connections are cut: is there an order in which each answer is right?
 */
import type { Breakage } from '../engine/server/breakage.ts'
import { type Fleet, openFleet } from '../engine/server/fleet.ts'
import type { Random } from '../engine/random.ts'
import { makeStep, type StepKind } from '../engine/model/random-steps.ts'
import { beginHistory, type SessionHistory } from '../engine/model/session-history.ts'
import type { Torture } from '../torture.ts'

/** Sessions under attack at the same time, and clients on each. */
const SESSIONS = 6
const MOST_CLIENTS = 8
const STEPS_PER_SESSION = 120
const LONGEST_LIFE_MS = 3_000

/** Once in so many steps. */
const RENEWAL = 40
const END = 150
const CUT = 100

const KINDS: readonly StepKind[] = [
  ...(['read', 'read', 'read', 'get', 'get', 'get'] as const),
  ...(['set', 'set', 'set if new', 'set if unchanged', 'pop', 'pop'] as const),
  ...(['increment', 'increment', 'append', 'update', 'clear'] as const),
]

const breakages: Readonly<Record<string, Breakage>> = {
  'reads-lag': { seam: 'hot-updated', after: 'if (session.version % 3 === 0) return' },
  'read-after-end': [
    { seam: 'ended-not-hot', by: 'end() {' },
    { seam: 'read-end-2', by: '' },
  ],
  'stale-writes': {
    seam: 'fresh-session',
    by: `const held = (globalThis.held ??= new Map())
if (held.get(id)?.at !== now) held.set(id, { at: now, session: found.session })
const before = touchSession(held.get(id).session, now)`,
  },
  'pop-leaves': { seam: 'pop-removes', by: 'void key' },
  'kill-undoes': {
    seam: 'writer-starts',
    before: "database.exec('delete from sessions where version > 20')",
  },
}

const databaseBreakages: Readonly<Record<string, Breakage>> = {
  'row-written-over': { seam: 'row-as-read', by: "const IS_AS_READ = 's.number = v.number'" },
  'ended-row-revived': { seam: 'ended-row-stays', by: "const IS_LIVE = 'true'" },
}

export const linearizableTorture: Torture = {
  about: 'to get answers from one session that no order of what was asked explains',
  breakages,
  databaseBreakages,
  async run(given) {
    const { random } = given
    const fleet = await openFleet(given)
    const violations: string[] = []
    const figures = { sessions: 0, operations: 0, unknown: 0, kills: 0 }
    const isOver = () => performance.now() >= fleet.endsAt || violations.length > 0

    const killing = killNowAndThen(fleet, random.fork(), isOver)
    const attacking = Array.from({ length: SESSIONS }, async () => {
      const own = random.fork()
      while (!isOver()) {
        const { history, unknown } = await attackSession(fleet, own)
        const violation = history.findViolation()
        if (violation !== undefined) violations.push(violation)
        figures.sessions++
        figures.operations += history.size()
        figures.unknown += unknown
      }
    })
    await Promise.all([killing, ...attacking])
    return { violations, figures: { ...figures, kills: fleet.kills() } }
  },
}

/** Lives of the server of any length. */
async function killNowAndThen(fleet: Fleet, random: Random, isOver: () => boolean): Promise<void> {
  while (!isOver()) {
    const diesAt = performance.now() + random.below(LONGEST_LIFE_MS)
    while (performance.now() < diesAt && !isOver()) await pause(10)
    if (!isOver()) await fleet.kill()
  }
}

async function attackSession(
  fleet: Fleet,
  random: Random,
): Promise<{ readonly history: SessionHistory; readonly unknown: number }> {
  const history = await beginHistory(fleet, new Map([['user', '"ada"']]))
  const clients = 2 + random.below(MOST_CLIENTS - 1)
  let steps = 0
  let unknown = 0
  let version = 1
  let ends = 0

  async function attack(own: Random): Promise<void> {
    // Of a session that has ended some answers are enough.
    while (steps < STEPS_PER_SESSION && ends < 3 * clients) {
      const value = ++steps
      // Some know of a renewal late.
      const known = history.generations()
      const generation = own.oneIn(10) ? own.pick(known) : (known.at(-1) ?? 0)
      const by = own.oneIn(4) ? 'back end' : 'holder'
      const step = makeStep(kindAtRandom(own), own, { value, version })
      const cut = own.oneIn(CUT) ? cutSoon(own) : undefined
      const answer = await history.perform({ generation, by }, step, cut)
      if (answer.kind === 'done') version = answer.version ?? version
      if (answer.kind === 'unknown') unknown++
      if (answer.kind === 'ended' && generation === history.generations().at(-1)) ends++
    }
  }

  await Promise.all(Array.from({ length: clients }, () => attack(random.fork())))
  return { history, unknown }
}

function kindAtRandom(random: Random): StepKind {
  if (random.oneIn(END)) return 'end'
  return random.oneIn(RENEWAL) ? 'renew' : random.pick(KINDS)
}

/** At some moment between the request and its answer, or so. */
function cutSoon(random: Random): AbortSignal {
  return AbortSignal.timeout(1 + random.below(8))
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
