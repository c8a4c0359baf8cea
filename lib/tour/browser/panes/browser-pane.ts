/** The browser's pane: its cookies, the ticket first. */
import { type Bar, createBar } from './bar.ts'
import { element, marked } from './elements.ts'
import { LANGUAGE_COOKIE } from '../words/language-cookie.ts'
import type { Memory, Told } from '../memory.ts'
import { renderNothing } from './nothing.ts'
import { say } from './page-words.ts'
import { attributesOf, decodeValue } from '../tutorial/set-cookie.ts'
import { type Cookie, sessionIn, type State } from '../state.ts'

export type Pane = {
  show(state: State, now: number): void
  tick(now: number): void
}

/** The session's, as the server writes it: its name, and its attributes in one text. */
export type TicketForm = { readonly name: string; readonly attributes: string }

const DOTS = '•'.repeat(10)

export function createBrowserPane(root: HTMLElement, ticket: TicketForm, memory: Memory): Pane {
  let shown = new Map<string, string>()
  let bars: Bar[] = []

  function show(state: State, now: number): void {
    const cookies = state.cookies.map((cookie) => ({ cookie, told: memory.recall(cookie.name) }))
    const session = sessionIn(state)
    const texts = new Map(cookies.map((one) => [one.cookie.name, JSON.stringify(one)]))
    if (state.hasTicket) texts.set(ticket.name, JSON.stringify([session?.id, session?.permanent]))
    if (shown.size > 0 && isSame(texts, shown)) return
    const isChanged = (name: string) => shown.size > 0 && texts.get(name) !== shown.get(name)

    bars = []
    const cards = cookies.map(({ cookie, told }) =>
      renderCookie(cookie, told, isChanged(cookie.name), now),
    )
    const first = state.hasTicket
      ? renderTicket(session, state.aheadMs, isChanged(ticket.name), now)
      : undefined
    const isEmpty = first === undefined && cookies.every(({ cookie }) => isOwn(cookie))
    const nothing = renderNothing(say('browser.empty'), say('browser.emptyHint'))
    root.replaceChildren(...(isEmpty ? [nothing] : []), ...(first ? [first] : []), ...cards)
    root.append(renderReadable(state))
    // An entry that is never missing, so that the first cookie counts as a change.
    shown = new Map([...texts, ['', '']])
  }

  function renderTicket(
    session: ReturnType<typeof sessionIn>,
    aheadMs: number,
    isNew: boolean,
    now: number,
  ): HTMLElement {
    const bar = session?.permanent === true ? createBar('Max-Age') : undefined
    if (bar !== undefined && session !== undefined) {
      const { createdAt, lifetimeEndsAt } = session
      bar.set({ startsAt: createdAt - aheadMs, endsAt: lifetimeEndsAt - aheadMs }, now)
      bars.push(bar)
    }
    return element(
      'article',
      { class: isNew ? 'cookie ticket changed' : 'cookie ticket' },
      element(
        'h3',
        {},
        element('code', {}, ticket.name),
        element('span', { class: 'tag' }, say('browser.ticket')),
        element('span', { class: 'tag locked' }, say('browser.hidden')),
      ),
      element(
        'p',
        { class: 'value' },
        element('b', { class: 'id' }, session?.id ?? DOTS),
        element('span', { class: 'dots' }, `.${DOTS}`),
      ),
      renderAttributes(attributesOf(`; ${ticket.attributes}`)),
      bar?.root ?? element('p', { class: 'until' }, say('browser.untilClosed')),
      element('p', { class: 'why' }, marked(say('browser.hiddenWhy'))),
    )
  }

  function renderCookie(
    { name, value }: Cookie,
    told: Told | undefined,
    isNew: boolean,
    now: number,
  ): HTMLElement {
    const decoded = value === undefined ? undefined : decodeValue(value)
    return element(
      'article',
      { class: `cookie${isOwn({ name }) ? ' own' : ''}${isNew ? ' changed' : ''}` },
      element(
        'h3',
        {},
        element('code', {}, name),
        value === undefined
          ? element('span', { class: 'tag locked' }, say('browser.hidden'))
          : undefined,
      ),
      value === undefined
        ? element('p', { class: 'value' }, element('span', { class: 'dots' }, DOTS))
        : element('p', { class: 'value' }, value),
      decoded === value || decoded === undefined
        ? undefined
        : element('p', { class: 'until' }, say('browser.readAs', { value: decoded })),
      renderAttributes(told?.attributes ?? []),
      isOwn({ name })
        ? element('p', { class: 'until' }, say('browser.language'))
        : renderEnd(told, now),
      value === undefined
        ? element('p', { class: 'why' }, marked(say('browser.hiddenOther')))
        : undefined,
    )
  }

  function renderEnd(told: Told | undefined, now: number): HTMLElement | undefined {
    if (told === undefined) return undefined
    const { setAt, endsAt } = told
    if (endsAt === undefined) return element('p', { class: 'until' }, say('browser.untilClosed'))
    const bar = createBar(told.attributes.find((one) => /^(Max-Age|Expires)=/.test(one)) ?? '')
    bar.set({ startsAt: setAt, endsAt }, now)
    bars.push(bar)
    return bar.root
  }

  return {
    show,
    tick(now) {
      for (const bar of bars) bar.tick(now)
    },
  }
}

/** Of this page's own, which teaches nothing of its own. */
function isOwn({ name }: Pick<Cookie, 'name'>): boolean {
  return name === LANGUAGE_COOKIE
}

function renderAttributes(attributes: readonly string[]): HTMLElement | undefined {
  if (attributes.length === 0) return undefined
  const shown = attributes.filter((one) => !/^(Max-Age|Expires)=/.test(one))
  return element(
    'p',
    { class: 'attributes' },
    ...shown.map((one) =>
      element('span', { class: one === 'HttpOnly' ? 'attribute strong' : 'attribute' }, one),
    ),
  )
}

/** What `document.cookie` is, word for word. */
function renderReadable({ cookies }: State): HTMLElement {
  const text = cookies.flatMap(({ name, value }) => (value === undefined ? [] : `${name}=${value}`))
  return element(
    'p',
    { class: 'readable' },
    say('browser.script'),
    ' ',
    element('code', {}, `document.cookie → ${JSON.stringify(text.join('; '))}`),
  )
}

function isSame(a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>): boolean {
  return a.size + 1 === b.size && [...a].every(([name, text]) => b.get(name) === text)
}
