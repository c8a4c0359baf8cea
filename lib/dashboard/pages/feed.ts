/** `/dashboard/feed`: what happened, the newest first; scripts add what happens from now on. */
import { html, raw } from 'hono/html'
import type { Clock } from '../../base/clock.ts'
import type { AppContext } from '../../http/app-env.ts'
import { type Query, readQueries } from '../../http/request/request.ts'
import type { Viewer } from '../../service/dashboards.ts'
import { END_REASONS, type EndReason } from '../../session/session.ts'
import { FEED_EVENT_TYPES, type FeedEvent, type FeedEventType } from '../../store/feed-store.ts'
import type { Store } from '../../store/store.ts'
import { answerPage, PAGE_HEADERS } from '../answers.ts'
import { readEvents, type ShownEvents } from '../parts/event-pages.ts'
import { renderEventRows } from '../parts/events.ts'
import type { Frame, Html } from '../parts/frame.ts'
import { refuseCursor, renderTurn } from '../parts/list.ts'
import { hrefOfFeed, hrefOfUser, query, shownIdsFor } from '../parts/places.ts'
import { REASON_WORDS } from '../parts/words.ts'

export type FeedPageDeps = {
  readonly store: Store
  readonly clock: Clock
  readonly frame: Frame
}

const PAGE = 100
/** New events of one look: more are told as a gap, and the page is loaded anew. */
const MOST_NEW = 100

type Filter = {
  readonly type: FeedEventType | undefined
  readonly reason: EndReason | undefined
  readonly sub: string | undefined
}

export function createFeedPage({ store, clock, frame }: FeedPageDeps) {
  return {
    async show(c: AppContext, viewer: Viewer): Promise<Response> {
      const given = readQueries(c)
      const filter = readFilter(given)
      const after = given.get('after')
      const page = await readEvents(store, viewer, { ...filter, after, limit: PAGE }).catch(
        refuseCursor('feed'),
      )
      const ids = shownIdsFor(viewer.backEnd)
      const { sub } = filter
      const content = html`${renderFilter(filter)}
        <section
          class="card"
          aria-labelledby="list"
          ${page.newest === undefined || after !== undefined ? '' : renderLiveMarks(page, filter)}
        >
          <div class="card-head">
            <h2 id="list">Newest first</h2>
            ${sub === undefined ? '' : html`<a class="more" href="${hrefOfUser(sub)}">Sessions of ${sub}</a>`}
            <button class="small" type="button" data-pause hidden aria-pressed="false">
              Pause
            </button>
          </div>
          ${page.render(ids, clock.now(), renderEmpty(page))}
          ${renderTurn(
            'Pages of the feed',
            after === undefined ? undefined : { href: hrefOfFeed(filter), text: 'Newest' },
            page.next === undefined
              ? undefined
              : {
                  href: `/dashboard/feed?${query({ ...filter, after: page.next })}`,
                  text: 'Older',
                },
          )}
        </section>`
      const note = viewer.backEnd.app === undefined ? '' : html`in ${viewer.backEnd.app}`
      return answerPage(frame.render(c, viewer, { title: 'Feed', note, content }))
    },

    /** The rows since a cursor, for the script; where to go on is in a header. */
    async rows(c: AppContext, { backEnd }: Viewer): Promise<Response> {
      const given = readQueries(c)
      const { reason, ...filter } = readFilter(given)
      const query = { ...filter, app: backEnd.app, session: undefined, limit: MOST_NEW }
      const page = await store.feed.read({ ...query, after: given.get('since') })
      const events = page.events.filter((event) => hasReason(event, reason)).toReversed()
      return new Response(renderEventRows(events, shownIdsFor(backEnd), clock.now()).join(''), {
        headers: {
          ...PAGE_HEADERS,
          'Content-Type': 'text/html; charset=utf-8',
          'Feed-Next': page.next,
        },
      })
    },
  }
}

function hasReason(event: FeedEvent, reason: EndReason | undefined): boolean {
  return reason === undefined || (event.type === 'session.ended' && event.reason === reason)
}

/** `ended-REASON` chooses both. */
function readFilter(given: Query): Filter {
  const what = given.get('what') ?? given.get('type') ?? ''
  const wanted = what.startsWith('ended-') ? what.slice('ended-'.length) : given.get('reason')
  const reason = END_REASONS.find((one) => one === wanted)
  const type = FEED_EVENT_TYPES.find((one) => one === what)
  return {
    type: reason === undefined ? type : 'session.ended',
    reason,
    sub: given.get('sub')?.trim() || undefined,
  }
}

const WHATS: readonly (readonly [value: string, text: string])[] = [
  ['', 'Everything'],
  ['session.ended', 'Every end'],
  ...END_REASONS.filter((reason) => reason !== 'renewed').map(
    (reason) => [`ended-${reason}`, `Ended: ${REASON_WORDS[reason]}`] as const,
  ),
  ['session.created', 'Begun'],
  ['session.assigned', 'Assigned to a user'],
  ['session.renewed', 'Renewed'],
]

function renderFilter({ type, reason, sub }: Filter): Html {
  const chosen = reason === undefined ? (type ?? '') : `ended-${reason}`
  return html`<form class="filter" action="/dashboard/feed">
    <label for="what">What</label>
    <select id="what" name="what">
      ${WHATS.map(
        ([value, text]) =>
          html`<option value="${value}" ${value === chosen ? raw('selected') : ''}>
            ${text}
          </option>`,
      )}
    </select>
    <label for="sub">User</label>
    <input
      id="sub"
      type="search"
      name="sub"
      value="${sub ?? ''}"
      placeholder="all"
      maxlength="255"
      autocomplete="off"
      spellcheck="false"
      data-search
    />
    <button>Show</button>
  </form>`
}

function renderEmpty({ next }: ShownEvents): Html {
  return next === undefined
    ? html`Nothing that fits, as far back as the feed is kept (<code>--keep-events</code>,
        <code>--max-events</code>).`
    : html`Nothing that fits in the last million events. Go on to older ones.`
}

/** What the script needs to go on: the place, and the filter. */
function renderLiveMarks({ newest }: ShownEvents, { type, reason, sub }: Filter): Html {
  return html` data-live data-feed="${newest ?? ''}" data-filter="${query({ type, reason, sub })}"
  data-most="${PAGE}"`
}
