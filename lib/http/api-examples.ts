/** What the examples of the API show: one session, as its holder and as back ends see it. */

/** The id of the session that the examples of the API are about. */
export const SHOWN_ID = 'Vp2hC4bkFbnVFY7Yz4A1v'
const SHOWN_TOKEN = `${SHOWN_ID}.Qm7rWc1xK0eXo2nB7cJ4kLZt5GmX0pQ8sV2nB7cJ4kL`

const DATA: Readonly<Record<string, unknown>> = { user: 'ada', visits: 1, cart: ['tea'] }
const CLAIMS: Readonly<Record<string, unknown>> = { sub: 'ada' }

/** As it is when an example begins. */
const SESSION = {
  id: SHOWN_ID,
  data: DATA,
  claims: CLAIMS,
  permanent: false,
  createdAt: '2026-11-23T09:00:00.000Z',
  lastSeenAt: '2026-11-23T09:00:00.000Z',
  expiresAt: '2026-11-23T09:30:00.000Z',
  lifetimeEndsAt: '2026-11-23T21:00:00.000Z',
}
const FOR_BACK_END = {
  ...SESSION,
  device: { address: '203.0.113.7', userAgent: 'curl/8.14.1' },
}

type Changed = Partial<typeof FOR_BACK_END> & { readonly evicted?: readonly string[] }

/** The session as its holder sees it, with these members in place of its own. */
export function showSession(changed: Changed = {}): string {
  return JSON.stringify({ ...SESSION, ...changed })
}

/** The session as back ends see it. */
export function showForBackEnd(changed: Changed = {}): string {
  return JSON.stringify({ ...FOR_BACK_END, ...changed })
}

/** The session with its new token. */
export function showHandedOut(changed: Changed = {}): string {
  const setCookie = `sid=${SHOWN_TOKEN}; Path=/; HttpOnly; SameSite=Lax`
  return JSON.stringify({ ...FOR_BACK_END, ...changed, token: SHOWN_TOKEN, setCookie })
}

export function showEvents(): string {
  const event = {
    id: '1872-Zk3vQ1',
    type: 'session.created',
    at: SESSION.createdAt,
    session: SHOWN_ID,
    sub: 'ada',
  }
  return JSON.stringify({ events: [event], next: event.id })
}

export function showPage(): string {
  return JSON.stringify({ sessions: [FOR_BACK_END], next: null })
}

export function showActive(): string {
  const since = '2026-11-23T08:55:00.000Z'
  return JSON.stringify({ within: 300, users: 1, sessions: 1, since })
}

export function showClock(swept: { readonly ended?: number; readonly removed?: number } = {}) {
  return JSON.stringify({ now: '2026-11-23T10:00:00.000Z', ...swept })
}
