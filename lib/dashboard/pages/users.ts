/** `/dashboard/users`: who has sessions, and how they are logged out everywhere. */
import { html } from 'hono/html'
import type { Clock } from '../../base/clock.ts'
import { HttpError } from '../../http/answer/problem.ts'
import type { AppContext } from '../../http/app-env.ts'
import { readQueries } from '../../http/request/request.ts'
import type { Viewer } from '../../service/dashboards.ts'
import type { Sessions } from '../../service/sessions.ts'
import { isWithin } from '../../session/api-key.ts'
import type { UserPage, UserSummary } from '../../store/browse-store.ts'
import type { Store } from '../../store/store.ts'
import { answerPage, redirect } from '../answers.ts'
import { showCount } from '../browser/numbers.ts'
import type { ReadForm } from '../forms.ts'
import type { Frame, Html } from '../parts/frame.ts'
import { refuseCursor, renderSearch, renderTurn } from '../parts/list.ts'
import { hrefOfFeed, hrefOfLogOut, hrefOfUser, query } from '../parts/places.ts'
import type { Trail } from '../trail.ts'
import { showWhen } from '../parts/words.ts'

export type UsersPageDeps = {
  readonly sessions: Sessions
  readonly store: Store
  readonly clock: Clock
  readonly frame: Frame
  readonly readForm: ReadForm
  readonly trail: Trail
}

const PAGE = 50
/** Calls of one log-out, each of some thousand sessions: then the browser gets an answer. */
const MOST_CALLS = 20

const SEARCH = {
  action: '/dashboard/users',
  maxLength: 255,
  placeholder: 'User',
  hint: html`The beginning of a name, letter by letter, as <code>claims.sub</code> has it. Here are
    users with live sessions; the <a href="/dashboard/feed">feed</a> knows others.`,
}

export function createUsersPage(deps: UsersPageDeps) {
  const { sessions, store, clock, frame, readForm, trail } = deps

  return {
    async list(c: AppContext, viewer: Viewer): Promise<Response> {
      const given = readQueries(c)
      const q = (given.get('q') ?? '').trim()
      const { app } = viewer.backEnd
      const now = clock.now()
      const page = await store.browse
        .users({ app, prefix: q, after: given.get('after'), limit: PAGE }, now)
        .catch(refuseCursor('list'))
      const hrefOf = (after?: string) => `/dashboard/users?${query({ q: q || undefined, after })}`
      const content = html`${renderSearch({ ...SEARCH, text: q })}
        <section class="card" aria-labelledby="list">
          <div class="card-head">
            <h2 id="list">${q === '' ? 'By name' : html`Names that begin with “${q}”`}</h2>
          </div>
          ${page.users.length === 0 ? renderEmpty(q) : renderTable(page, viewer, now)}
          ${renderTurn(
            'Pages of the list',
            given.has('after') ? { href: hrefOf(), text: 'First page' } : undefined,
            page.next === undefined ? undefined : { href: hrefOf(page.next), text: 'Next page' },
          )}
        </section>`
      const note = app === undefined ? '' : html`in ${app}`
      return answerPage(frame.render(c, viewer, { title: 'Users', note, content }))
    },

    /** Asks once, and says how many. */
    async askLogOut(c: AppContext, viewer: Viewer): Promise<Response> {
      const sub = readSub(readQueries(c).get('sub'))
      const count = await sessions.count({ app: viewer.backEnd.app, sub })
      const title = 'Log out everywhere'
      return answerPage(frame.render(c, viewer, { title, content: renderAsk(sub, count, viewer) }))
    },

    async logOut(c: AppContext, viewer: Viewer): Promise<Response> {
      const sub = readSub((await readForm(c)).get('sub'))
      const which = { app: viewer.backEnd.app, sub, except: undefined }
      let ended = 0
      let more = true
      for (let call = 0; more && call < MOST_CALLS; call++) {
        const some = await sessions.endMany(which)
        ended += some.ended
        more = some.more
        // Storage refuses more of them for now.
        if (some.ended === 0) break
      }
      trail.ended(c, viewer.backEnd, ended, { sub, more })
      return redirect(`/dashboard/sessions?${query({ sub, ended: `${ended}${more ? '+' : ''}` })}`)
    },
  }
}

function readSub(sub: string | undefined): string {
  if (sub !== undefined && sub !== '') return sub
  throw new HttpError('bad_request', 'Cannot tell which user: the address must have ?sub=USER')
}

function renderEmpty(q: string): Html {
  return html`<p class="empty">
    ${
      q === ''
        ? html`No user is logged in. A session has a user once a back end has set
            <code>claims.sub</code>.`
        : html`No user with a live session has a name that begins so. Perhaps
            <a href="${hrefOfFeed({ sub: q })}">the feed knows why</a>.`
    }
  </p>`
}

function renderTable({ users }: UserPage, viewer: Viewer, now: number): Html {
  const mayEnd = isWithin(viewer.backEnd.scope, 'all')
  return html`<div class="scroll" tabindex="0" role="group" aria-label="Users">
    <table class="rows">
      <thead>
        <tr>
          <th scope="col">User</th>
          <th scope="col" class="number">Sessions</th>
          <th scope="col">Oldest began</th>
          <th scope="col">Last seen</th>
          <th scope="col"><span class="unseen">More</span></th>
        </tr>
      </thead>
      <tbody>
        ${users.map((user) => renderRow(user, mayEnd, now))}
      </tbody>
    </table>
  </div>`
}

function renderRow(
  { sub, sessions, isMore, since, lastSeenAt }: UserSummary,
  mayEnd: boolean,
  now: number,
): Html {
  return html`<tr>
    <td class="user"><a data-row href="${hrefOfUser(sub)}">${sub}</a></td>
    <td class="number">${showCount(sessions)}${isMore ? ' and more' : ''}</td>
    <td>${showWhen(since, now)}</td>
    <td>${showWhen(lastSeenAt, now)}</td>
    <td class="act">
      <a class="quiet" href="${hrefOfFeed({ sub })}"
        >Events<span class="unseen"> of ${sub}</span></a
      >
      ${
        mayEnd
          ? html`<a class="quiet bad" href="${hrefOfLogOut(sub)}"
              >Log out…<span class="unseen"> everywhere: ${sub}</span></a
            >`
          : ''
      }
    </td>
  </tr>`
}

function renderAsk(sub: string, count: number, { backEnd: { app } }: Viewer): Html {
  const where = app === undefined ? '' : html` in ${app}`
  if (count === 0) {
    return html`<section class="card ask">
      <p><b>${sub}</b> has no live session${where}.</p>
      <p class="actions"><a class="button" href="/dashboard/users">Back to the users</a></p>
    </section>`
  }
  const what = count === 1 ? 'the one session' : html`all ${showCount(count)} sessions`
  return html`<form class="card ask" method="post" action="/dashboard/users/log-out">
    <input type="hidden" name="sub" value="${sub}" />
    <p>End ${what} of <b>${sub}</b>${where}?</p>
    <p class="muted">
      Every browser and device of this user is logged out at once. That cannot be undone; logging in
      again is not prevented.
    </p>
    <p class="actions">
      <a class="button" href="${hrefOfUser(sub)}">Keep ${count === 1 ? 'it' : 'them'}</a>
      <button class="bad filled">
        End ${count === 1 ? 'the session' : `${showCount(count)} sessions`}
      </button>
    </p>
  </form>`
}
