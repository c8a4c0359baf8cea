/** Events of the feed as rows of a table. */
import { html } from 'hono/html'
import type { FeedEvent } from '../../store/feed-store.ts'
import type { Html } from './frame.ts'
import { hrefOfFeed, hrefOfSession, type ShownIds } from './places.ts'
import {
  isoOf,
  REASON_TONES,
  REASON_WORDS,
  renderTag,
  showClockOrDay,
  showMoment,
} from './words.ts'

/** `ofOne`: on the page of one session, which says already whose events these are. */
export function renderEvents(
  events: readonly FeedEvent[],
  ids: ShownIds,
  now: number,
  empty: Html | string,
  ofOne = false,
): Html {
  return html`<div class="scroll" tabindex="0" role="group" aria-label="Events">
      <table class="rows events">
        <thead>
          <tr>
            <th scope="col">Time, UTC</th>
            <th scope="col">What</th>
            ${ofOne ? '' : html`<th scope="col">User</th>`}
            <th scope="col">${ofOne ? 'More' : 'Session'}</th>
          </tr>
        </thead>
        <tbody data-events>
          ${renderEventRows(events, ids, now, ofOne)}
        </tbody>
      </table>
    </div>
    ${events.length === 0 ? html`<p class="empty" data-empty>${empty}</p>` : ''}`
}

export function renderEventRows(
  events: readonly FeedEvent[],
  ids: ShownIds,
  now: number,
  ofOne = false,
): readonly Html[] {
  return events.map(
    (event) =>
      html`<tr>
        <td class="time">
          <time datetime="${isoOf(event.at)}" title="${showMoment(event.at)}"
            >${showClockOrDay(event.at, now)}</time
          >
        </td>
        <td>${renderWhat(event)}</td>
        ${ofOne ? '' : html`<td class="user">${renderUser(event)}</td>`}
        <td class="ids">${ofOne ? renderMore(event, ids) : renderIds(event, ids)}</td>
      </tr>`,
  )
}

function renderWhat(event: FeedEvent): Html {
  switch (event.type) {
    case 'session.created':
      return renderTag('begun', 'accent')
    case 'session.renewed':
      return renderTag('renewed', 'plain')
    case 'session.assigned':
      return renderTag('assigned', 'accent')
    case 'session.ended':
      return renderTag(REASON_WORDS[event.reason], REASON_TONES[event.reason])
  }
}

function renderUser({ sub }: FeedEvent): Html | string {
  return sub === undefined
    ? html`<span class="faint">nobody</span>`
    : html`<a href="${hrefOfFeed({ sub })}">${sub}</a>`
}

function renderIds(event: FeedEvent, ids: ShownIds): Html {
  return html`<a class="id" href="${hrefOfSession(ids, event.session)}"
      >${ids.show(event.session)}</a
    >${renderMore(event, ids)}`
}

function renderMore(event: FeedEvent, ids: ShownIds): Html | string {
  if (event.type === 'session.renewed') {
    return html` <span class="faint">goes on as</span>
      <a class="id" href="${hrefOfSession(ids, event.renewedAs)}">${ids.show(event.renewedAs)}</a>`
  }
  if (event.type !== 'session.assigned') return ''
  const { sub, subBefore } = event
  return html` <span class="faint">to</span> ${sub ?? 'nobody'}
    <span class="faint">from</span> ${subBefore ?? 'nobody'}`
}
