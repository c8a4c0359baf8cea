/** Brings the page to life: the buttons, and both panes after each press and every few seconds. */
import { createBrowserPane } from './panes/browser-pane.ts'
import { readTime } from './clock.ts'
import { find } from './panes/elements.ts'
import { LANGUAGE_COOKIE } from './words/language-cookie.ts'
import { openMemory } from './memory.ts'
import { type Given, type Operation, OPERATIONS } from './tutorial/operations.ts'
import { say } from './panes/page-words.ts'
import { exchange, look } from './requests.ts'
import { createPulse } from './panes/pulse.ts'
import { createServerPane } from './panes/server-pane.ts'
import { compare, sessionIn, type State, ticketSet } from './state.ts'
import { bringToLife, type Outcome } from './step-form.ts'
import { createWire } from './panes/wire-pane.ts'

const TICK_MS = 250
const LOOK_MS = 3_000
/** Dates in lines of curl. */
const REFRESH_MS = 30_000

const { cookie = 'sid', attributes = '', origin = location.origin } = document.body.dataset
const ticket = { name: cookie, attributes }

const memory = openMemory()
const panes = [
  createBrowserPane(find('[data-pane=browser]'), ticket, memory),
  createServerPane(find('[data-pane=server]')),
]
const pulse = createPulse(find('.world'))
const wire = createWire(find('#wire'))
/** Other tabs of this browser: they have the same cookies. */
const tabs = new BroadcastChannel('coatcheck-tour')

let state: State | undefined
let readable = document.cookie
let lookedAt = 0
/** One after another, so that no look overtakes the press before it. */
let line: Promise<unknown> = Promise.resolve()

function inTurn<T>(act: () => Promise<T>): Promise<T> {
  const turn = line.then(act)
  line = turn.catch(() => undefined)
  return turn
}

async function lookNow(): Promise<State> {
  state = await look()
  readable = document.cookie
  lookedAt = readTime()
  for (const pane of panes) pane.show(state, lookedAt)
  showGlance(state)
  return state
}

async function run(operation: Operation, given: Given): Promise<Outcome> {
  const before = state ?? (await lookNow())
  const now = readTime()
  pulse()
  const went = await exchange(operation.ask(given, now))
  const isDone = went.answer !== undefined && went.answer.status < 300
  const setCookie = isDone ? operation.setsCookie(given, now) : undefined
  if (setCookie !== undefined) memory.keep(given('name'), setCookie, now)
  const after = await lookNow()
  tabs.postMessage('')
  const set = [setCookie, ticketSet(before, after, ticket, now)].filter((one) => one !== undefined)
  wire.add(went, renderCookieHeader(before), set)
  return { exchange: went, changes: compare(before, after) }
}

/** As the browser sends it, but for what it hides from scripts. */
function renderCookieHeader({ cookies, hasTicket }: State): string {
  const others = cookies
    // Of this page's path alone.
    .filter(({ name }) => name !== LANGUAGE_COOKIE)
    .map(({ name, value = '•••' }) => `${name}=${value}`)
  return [...others, ...(hasTicket ? [`${ticket.name}=•••`] : [])].join('; ')
}

/** On a narrow screen: what the panes hold, in a few words. */
function showGlance(now: State): void {
  const names = [...(now.hasTicket ? [ticket.name] : []), ...now.cookies.map(({ name }) => name)]
  const session = sessionIn(now)
  const keys = session?.data.kind === 'object' ? session.data.members.map(([name]) => name) : []
  const shown: Readonly<Record<string, string>> = {
    browser: names.join(', ') || '–',
    server: session === undefined ? '–' : `{${keys.join(', ')}}`,
  }
  for (const [side, text] of Object.entries(shown)) {
    const place = find(`[data-glance=${side}]`)
    if (place.textContent !== text) place.textContent = text
  }
}

const refreshes = OPERATIONS.map((operation) =>
  bringToLife(find<HTMLFormElement>(`#step-${operation.id}`), operation, {
    origin,
    run: (asked, given) => inTurn(() => run(asked, given)),
  }),
)

function tick(): void {
  if (document.hidden) return
  const now = readTime()
  for (const pane of panes) pane.tick(now)
  const session = state === undefined ? undefined : sessionIn(state)
  const isOver =
    session !== undefined &&
    now + (state?.aheadMs ?? 0) >= session.expiresAt &&
    now > lookedAt + 500
  if (document.cookie !== readable || isOver || now >= lookedAt + LOOK_MS || now < lookedAt) {
    lookedAt = now
    void inTurn(lookNow)
  }
}

document.documentElement.classList.add('live')
document.title = `${say('title')} · Coatcheck`
tabs.addEventListener('message', () => void inTurn(lookNow))
document.addEventListener('visibilitychange', tick)
setInterval(tick, TICK_MS)
setInterval(() => refreshes.forEach((refresh) => refresh()), REFRESH_MS)
void inTurn(lookNow)
