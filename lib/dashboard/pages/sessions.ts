/** `/dashboard/sessions`: the newest sessions, those of a user, and what a search finds. */
import { html } from 'hono/html'
import type { Clock } from '../../base/clock.ts'
import type { AppContext } from '../../http/app-env.ts'
import { readQueries } from '../../http/request/request.ts'
import { isWithin } from '../../session/api-key.ts'
import type { Viewer } from '../../service/dashboards.ts'
import type { Sessions } from '../../service/sessions.ts'
import { isFullId } from '../../session/session-id.ts'
import { isToken, splitToken } from '../../session/token.ts'
import type { FoundIds, SessionSummary, SummaryPage } from '../../store/browse-store.ts'
import type { Store } from '../../store/store.ts'
import { answerPage, redirect } from '../answers.ts'
import { showBytes, showCount } from '../browser/numbers.ts'
import { renderEndOne } from './end-one.ts'
import { readEvents } from '../parts/event-pages.ts'
import type { Frame, Html } from '../parts/frame.ts'
import { refuseCursor, renderSearch, renderTurn } from '../parts/list.ts'
import { renderNotice } from '../parts/notice.ts'
import {
  hrefOfFeed,
  hrefOfLogOut,
  hrefOfSession,
  hrefOfUser,
  query,
  type ShownIds,
  shownIdsFor,
} from '../parts/places.ts'
import { readDevice, renderReason, showWhen } from '../parts/words.ts'

export type SessionsPageDeps = {
  readonly sessions: Sessions
  readonly store: Store
  readonly clock: Clock
  readonly frame: Frame
}

const PAGE = 50
/** Ids that a search shows; whoever wants others types more of theirs. */
const FOUND_IDS = 10
const LATEST = 10
/** The beginning of a minted id is a time: fewer characters would fit all of a day. */
const LEAST_ID = 4
const LONGEST_QUERY = 300

const SEARCH = {
  action: '/dashboard/sessions',
  maxLength: LONGEST_QUERY,
  placeholder: 'User or id',
  hint: html`The beginning of a user’s name, or of an id from ${LEAST_ID} characters on. A whole id
  opens its session, live or ended.`,
}

type Asked = {
  readonly q: string
  readonly sub: string | undefined
  readonly after: string | undefined
}

export function createSessionsPage({ sessions, store, clock, frame }: SessionsPageDeps) {
  return async function show(c: AppContext, viewer: Viewer): Promise<Response> {
    const given = readQueries(c)
    const q = (given.get('q') ?? '').trim().slice(0, LONGEST_QUERY)
    const asked: Asked = { q, sub: given.get('sub') || undefined, after: given.get('after') }
    const ids = shownIdsFor(viewer.backEnd)
    // Somebody's token must not stay in the address, and its id is what they want to know of.
    if (isToken(q)) return redirect(hrefOfSession(ids, splitToken(q).id))

    const now = clock.now()
    const page = await readPage(asked, viewer, now).catch(refuseCursor('list'))
    const isId = await isKnown(ids.readFull(q))
    // Back ends choose ids, and may have chosen the names of users: then both are shown.
    if (isId && page.sessions.length === 0) return redirect(hrefOfSession(ids, ids.readFull(q)))
    const isAsked = asked.after === undefined && asked.sub === undefined
    const found =
      isAsked && (isId || q.length >= LEAST_ID) ? await findIds(q, viewer, now) : undefined
    // Whoever has no live session any more may be the one that is looked for.
    const latestOf = asked.sub ?? (q !== '' && page.sessions.length === 0 ? q : undefined)
    const content = html`${renderNotice(given.get('ended'))} ${renderSearch({ ...SEARCH, text: q })}
    ${asked.sub === undefined ? '' : renderUserActions(asked.sub, viewer, page)}
    ${found === undefined ? '' : renderFoundIds(found, viewer, now)}
    ${renderPage(asked, page, viewer, now)}
    ${latestOf === undefined ? '' : await renderLatest(latestOf, viewer, now)}`
    const heading = asked.sub === undefined ? 'Sessions' : html`Sessions of ${asked.sub}`
    const note =
      viewer.backEnd.app === undefined
        ? html`${showCount(store.counts().sessions)} in all`
        : html`in ${viewer.backEnd.app}`
    return answerPage(frame.render(c, viewer, { title: 'Sessions', heading, note, content }))
  }

  /** Why the last ones ended, beside those that are live. */
  async function renderLatest(sub: string, viewer: Viewer, now: number): Promise<Html> {
    const events = await readEvents(store, viewer, { sub, limit: LATEST })
    return html`<section class="card" aria-labelledby="latest">
      <div class="card-head">
        <h2 id="latest">What happened to ${sub}</h2>
        <a class="more" href="${hrefOfFeed({ sub })}">All of it</a>
      </div>
      ${events.render(shownIdsFor(viewer.backEnd), now, html`The feed has nothing of this user.`)}
    </section>`
  }

  async function isKnown(id: string): Promise<boolean> {
    return isFullId(id) && (await sessions.find(id)).state !== 'absent'
  }

  async function findIds(q: string, { backEnd }: Viewer, now: number): Promise<FoundIds> {
    const prefix = shownIdsFor(backEnd).readFull(q)
    return await store.browse.idsFrom({ app: backEnd.app, prefix, limit: FOUND_IDS }, now)
  }

  function readPage({ q, sub, after }: Asked, { backEnd: { app } }: Viewer, now: number) {
    const page = { app, after, limit: PAGE }
    return q === '' || sub !== undefined
      ? store.browse.newest({ ...page, sub }, now)
      : store.browse.ofUsers({ ...page, prefix: q }, now)
  }
}

function renderUserActions(sub: string, viewer: Viewer, page: SummaryPage): Html {
  const mayEnd = page.sessions.length > 0 && isWithin(viewer.backEnd.scope, 'all')
  return html`<p class="actions user-actions">
    <a class="button" href="${hrefOfFeed({ type: 'session.ended', sub })}"
      >How their sessions ended</a
    >
    ${mayEnd ? html`<a class="button bad" href="${hrefOfLogOut(sub)}">Log out everywhere…</a>` : ''}
  </p>`
}

function renderFoundIds({ live, ended }: FoundIds, viewer: Viewer, now: number): Html | string {
  if (live.length + ended.length === 0) return ''
  const ids = shownIdsFor(viewer.backEnd)
  const isMore = live.length === FOUND_IDS || ended.length === FOUND_IDS
  return html`<section class="card" aria-labelledby="ids">
    <div class="card-head">
      <h2 id="ids">By their id</h2>
      ${isMore ? html`<span class="more">There are more: type more of the id</span>` : ''}
    </div>
    ${live.length === 0 ? '' : renderTable(live, viewer, now, 'Sessions by their id')}
    ${
      ended.length === 0
        ? ''
        : html`<ul class="ended">
            ${ended.map(
              ({ id, reason, endedAt }) =>
                html`<li>
                  <a class="id" href="${hrefOfSession(ids, id)}">${ids.show(id)}</a>
                  ${renderReason(reason)} ${showWhen(endedAt, now)}
                </li>`,
            )}
          </ul>`
    }
  </section>`
}

function renderPage(
  { q, sub, after }: Asked,
  page: SummaryPage,
  viewer: Viewer,
  now: number,
): Html {
  const isSearch = q !== '' && sub === undefined
  const title = isSearch ? html`Of users whose name begins with “${q}”` : 'Newest first'
  const hrefOf = (next?: string) =>
    `/dashboard/sessions?${query({ q: q || undefined, sub, after: next })}`
  return html`<section class="card" aria-labelledby="list">
    <div class="card-head"><h2 id="list">${title}</h2></div>
    ${
      page.sessions.length === 0
        ? html`<p class="empty">${renderEmpty(isSearch ? q : '', sub, page.next)}</p>`
        : renderTable(page.sessions, viewer, now, 'Sessions', sub === undefined)
    }
    ${renderTurn(
      'Pages of the list',
      after === undefined ? undefined : { href: hrefOf(), text: 'First page' },
      page.next === undefined ? undefined : { href: hrefOf(page.next), text: 'Next page' },
    )}
  </section>`
}

function renderEmpty(q: string, sub: string | undefined, next: string | undefined): Html {
  if (next !== undefined) {
    return html`The sessions here have just expired, and wait for the sweep. Go on to the next page.`
  }
  if (q !== '') {
    return html`No user with a live session has a name that begins so (<code>claims.sub</code>,
      letter by letter). <a href="${hrefOfFeed({ sub: q })}">The feed</a> tells why those of “${q}”
      ended.`
  }
  if (sub !== undefined) {
    return html`This user has no live session. <a href="${hrefOfFeed({ sub })}">The feed</a> tells
      why the last ones ended.`
  }
  return html`No session yet. The first one begins with
    <code>curl -c jar -X PUT -d '"ada"' http://…/session/user</code>.`
}

function renderTable(
  sessions: readonly SessionSummary[],
  viewer: Viewer,
  now: number,
  label: string,
  hasUsers = true,
): Html {
  const ids = shownIdsFor(viewer.backEnd)
  const mayEnd = isWithin(viewer.backEnd.scope, 'all')
  return html`<div class="scroll" tabindex="0" role="group" aria-label="${label}">
    <table class="rows">
      <thead>
        <tr>
          ${hasUsers ? html`<th scope="col">User</th>` : ''}
          <th scope="col">Session</th>
          <th scope="col">Device</th>
          <th scope="col">Last seen</th>
          <th scope="col">Expires</th>
          <th scope="col" class="number">Size</th>
          ${mayEnd ? html`<th scope="col"><span class="unseen">End</span></th>` : ''}
        </tr>
      </thead>
      <tbody>
        ${sessions.map(
          (session) =>
            html`<tr>
              ${hasUsers ? renderUserCell(session) : ''} ${renderCells(session, ids, mayEnd, now)}
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`
}

function renderUserCell({ sub }: SessionSummary): Html {
  return html`<td class="user">
    ${
      sub === undefined
        ? html`<span class="faint">nobody</span>`
        : html`<a href="${hrefOfUser(sub)}">${sub}</a>`
    }
  </td>`
}

function renderCells(session: SessionSummary, ids: ShownIds, mayEnd: boolean, now: number): Html {
  const { id, lastSeenAt, expiresAt, bytes, device } = session
  const { name, userAgent, address } = readDevice(device)
  return html`<td><a class="id" data-row href="${hrefOfSession(ids, id)}">${ids.show(id)}</a></td>
    <td class="device" title="${userAgent ?? ''}">
      ${name ?? html`<span class="faint">unknown</span>`}
      ${address === undefined ? '' : html`<span class="faint">${address}</span>`}
    </td>
    <td>${showWhen(lastSeenAt, now)}</td>
    <td>${showWhen(expiresAt, now)}</td>
    <td class="number">${showBytes(bytes)}</td>
    ${mayEnd ? html`<td class="act">${renderEndOne(ids, id, true)}</td>` : ''}`
}
