/** Why a session ended, on its page. */
import { html } from 'hono/html'
import type { EndReason, Found } from '../../session/session.ts'
import type { FeedEvent } from '../../store/feed-store.ts'
import type { Html } from '../parts/frame.ts'
import { hrefOfFeed, hrefOfSession, hrefOfUser, type ShownIds } from '../parts/places.ts'
import { REASON_MEANINGS, showDuration, showMoment, showWhen } from '../parts/words.ts'

export type End = { readonly reason: EndReason; readonly endedAt: number }

/**
 * The end of a session as its tombstone tells it, or, where that is forgotten, its events, the newest
 * first. Undefined for one that lives, and for one of which nothing is known.
 */
export function findEnd(id: string, found: Found, events: readonly FeedEvent[]): End | undefined {
  if (found.state === 'live') return undefined
  if (found.state === 'ended') return found.tombstone
  const last = events.find(
    ({ type, session }) =>
      session === id && (type === 'session.ended' || type === 'session.renewed'),
  )
  if (last?.type === 'session.ended') return { reason: last.reason, endedAt: last.at }
  return last === undefined ? undefined : { reason: 'renewed', endedAt: last.at }
}

export function renderEnd(
  { reason, endedAt }: End,
  events: readonly FeedEvent[],
  ids: ShownIds,
  now: number,
): Html {
  // The newest first.
  const sub = events.find((event) => event.sub !== undefined)?.sub
  const renewal = events.find((event) => event.type === 'session.renewed')
  const began = events.findLast(({ type }) => type === 'session.created')
  const goesOnAs =
    reason === 'renewed' && renewal?.type === 'session.renewed' ? renewal.renewedAs : undefined
  return html`<section class="card why" aria-labelledby="why">
    <div class="card-head"><h2 id="why">Why it ended</h2></div>
    <p class="reason">${REASON_MEANINGS[reason]}</p>
    <dl class="facts">
      <div>
        <dt>Ended</dt>
        <dd>${showMoment(endedAt)} <span class="faint">${showWhen(endedAt, now)}</span></dd>
      </div>
      ${
        goesOnAs === undefined
          ? ''
          : html`<div>
              <dt>Goes on as</dt>
              <dd>
                <a class="id" href="${hrefOfSession(ids, goesOnAs)}">${ids.show(goesOnAs)}</a>
              </dd>
            </div>`
      }
      ${
        began === undefined
          ? ''
          : html`<div>
              <dt>Lived for</dt>
              <dd>${showDuration(endedAt - began.at)}</dd>
            </div>`
      }
      ${
        sub === undefined
          ? ''
          : html`<div>
              <dt>User</dt>
              <dd>
                <a href="${hrefOfUser(sub)}">${sub}</a>
                <a class="faint" href="${hrefOfFeed({ sub })}">what else happened</a>
              </dd>
            </div>`
      }
    </dl>
  </section>`
}
