/** The server's pane: the session, and how long it lasts. */
import { createBar } from './bar.ts'
import type { Pane } from './browser-pane.ts'
import { element, marked } from './elements.ts'
import { type Json, writeJson } from '../tutorial/json-text.ts'
import { renderNothing } from './nothing.ts'
import { say, sayTime } from './page-words.ts'
import { type Session, sessionIn, type SessionState, type State } from '../state.ts'
import { hasWord } from '../words/words.ts'

export function createServerPane(root: HTMLElement): Pane {
  const content = element('div', { class: 'session' })
  const idle = createBar(say('server.idle'))
  const lifetime = createBar(say('server.lifetime'))
  const idleWords = element('p', { class: 'until' })
  const lifetimeWords = element('p', { class: 'until' })
  const limits = element(
    'div',
    { class: 'limits' },
    ...[idle.root, idleWords, lifetime.root, lifetimeWords],
  )
  root.append(content, limits)
  let shown: SessionState | undefined

  function show(state: State, now: number): void {
    const before = shown
    shown = state.session
    const text = fingerprint(state.session)
    if (before === undefined || fingerprint(before) !== text) {
      content.replaceChildren(...renderState(state.session, before, now))
    }
    showLimits(sessionIn(state), state.aheadMs, now)
  }

  function showLimits(session: Session | undefined, aheadMs: number, now: number): void {
    limits.hidden = session === undefined
    if (session === undefined) return
    const { createdAt, lastSeenAt, expiresAt, lifetimeEndsAt } = session
    const isIdleLate = expiresAt >= lifetimeEndsAt
    idle.set({ startsAt: lastSeenAt - aheadMs, endsAt: expiresAt - aheadMs }, now)
    lifetime.set({ startsAt: createdAt - aheadMs, endsAt: lifetimeEndsAt - aheadMs }, now)
    idle.root.classList.toggle('late', isIdleLate)
    const at = (time: number) => sayTime(time - aheadMs, now)
    const [seen, begun] = [at(lastSeenAt), at(createdAt)]
    setText(
      idleWords,
      isIdleLate
        ? say('server.idleLate', { seen })
        : say('server.idleEnds', { seen, time: at(expiresAt) }),
    )
    setText(lifetimeWords, say('server.lifetimeEnds', { begun, time: at(lifetimeEndsAt) }))
  }

  return {
    show,
    tick(now) {
      idle.tick(now)
      lifetime.tick(now)
    },
  }
}

/** What is on the page of it; its times have elements of their own. */
function fingerprint(state: SessionState): string {
  if (state.kind !== 'live') return JSON.stringify(state)
  const { id, version, permanent, data, claims } = state.session
  return JSON.stringify([id, version, permanent, writeJson(data), writeJson(claims)])
}

function renderState(
  state: SessionState,
  before: SessionState | undefined,
  now: number,
): HTMLElement[] {
  switch (state.kind) {
    case 'live':
      return renderSession(state.session, before)
    case 'none':
      return [renderNothing(say('server.empty'), say('server.emptyHint'))]
    case 'ended': {
      const word = `reason.${state.reason}`
      const reason = hasWord(word) ? say(word) : state.reason
      const at = say('server.endedAt', { time: sayTime(state.endedAt, now) })
      const parts = Number.isNaN(state.endedAt) ? reason : `${reason}, ${at}`
      return [renderNothing(say('server.ended', { reason: parts }), say('server.endedHint'))]
    }
    case 'refused':
      return [renderNothing(say('server.refused', { detail: state.detail }))]
    case 'unreachable':
      return [renderNothing(say('server.unreachable'), say('server.unreachableHint'))]
  }
}

function renderSession(session: Session, state: SessionState | undefined): HTMLElement[] {
  const before = state?.kind === 'live' ? state.session : undefined
  const isNewId = state !== undefined && before?.id !== session.id
  const { id, version, data, claims, permanent } = session
  return [
    element(
      'p',
      { class: isNewId ? 'hook changed' : 'hook' },
      element('span', { class: 'label' }, 'id'),
      element('b', { class: 'id' }, id),
      element(
        'span',
        { class: 'tag', title: say('server.versionWhy').replaceAll('`', '') },
        say('server.version', { number: version }),
      ),
    ),
    ...renderMembers(
      say('server.data'),
      say('server.dataWhy'),
      data,
      state && (before?.data ?? NOTHING),
    ),
    ...renderMembers(
      say('server.claims'),
      say('server.claimsWhy'),
      claims,
      state && (before?.claims ?? NOTHING),
    ),
    element(
      'h3',
      {},
      say('server.permanent'),
      element(
        'small',
        before !== undefined && before.permanent !== permanent ? { class: 'changed' } : {},
        marked(say(permanent ? 'server.permanentYes' : 'server.permanentNo')),
      ),
    ),
  ]
}

const NOTHING: Json = { kind: 'object', members: [] }

/** `before` is what was there; undefined where nothing was shown yet, so that nothing is new. */
function renderMembers(
  title: string,
  why: string,
  json: Json,
  before: Json | undefined,
): HTMLElement[] {
  const members = json.kind === 'object' ? json.members : []
  const empty = members.length === 0 ? element('code', { class: 'none' }, '{}') : undefined
  const heading = element('h3', {}, title, empty, element('small', {}, why))
  if (empty !== undefined) return [heading]
  const old = new Map(
    (before?.kind === 'object' ? before.members : []).map(([name, value]) => [
      name,
      writeJson(value),
    ]),
  )
  const rows = members.map(([name, value]) => {
    const text = writeJson(value)
    const isChanged = before !== undefined && old.get(name) !== text
    return element(
      'div',
      isChanged ? { class: 'changed' } : {},
      element('dt', {}, name),
      element('dd', {}, text),
    )
  })
  return [heading, element('dl', { class: 'members' }, ...rows)]
}

/** Not set again: a screen reader and a selection stay where they are. */
function setText(target: HTMLElement, text: string): void {
  if (target.textContent !== text) target.textContent = text
}
