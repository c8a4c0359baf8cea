/** `/dashboard/session/ID`: one session, live or ended, and all that is known of why. */
import { html } from 'hono/html'
import type { Clock } from '../../base/clock.ts'
import { HttpError } from '../../http/answer/problem.ts'
import type { AppContext } from '../../http/app-env.ts'
import { decodeSegment, readQueries } from '../../http/request/request.ts'
import type { Viewer } from '../../service/dashboards.ts'
import type { Sessions } from '../../service/sessions.ts'
import type { Found } from '../../session/session.ts'
import type { Store } from '../../store/store.ts'
import { answerPage, redirect } from '../answers.ts'
import { readEvents } from '../parts/event-pages.ts'
import type { Frame, Html } from '../parts/frame.ts'
import { renderNotice } from '../parts/notice.ts'
import { hrefOfSession, shownIdsFor } from '../parts/places.ts'
import { renderReason, renderTag, showDuration } from '../parts/words.ts'
import type { Trail } from '../trail.ts'
import { type End, findEnd, renderEnd } from './session-end.ts'
import { renderLife } from './session-life.ts'

export type SessionPageDeps = {
  readonly sessions: Sessions
  readonly store: Store
  readonly clock: Clock
  readonly frame: Frame
  readonly trail: Trail
  readonly keepEndedMs: number
}

const EVENTS = 50

export function createSessionPage(deps: SessionPageDeps) {
  const { sessions, store, clock, frame, trail, keepEndedMs } = deps

  /** The full id in the path. */
  function readId(c: AppContext, { backEnd }: Viewer): string {
    return shownIdsFor(backEnd).readFull(decodeSegment(c.req.path.split('/')[3] ?? ''))
  }

  return {
    async show(c: AppContext, viewer: Viewer): Promise<Response> {
      const id = readId(c, viewer)
      const ids = shownIdsFor(viewer.backEnd)
      const found = await sessions.find(id)
      const events = await readEvents(store, viewer, { session: id, limit: EVENTS })
      const end = findEnd(id, found, events.events)
      const isKnown = found.state === 'live' || end !== undefined || events.events.length > 0
      const content = html`${renderNotice(readQueries(c).get('ended'))}
        ${found.state === 'live' ? renderLife(found.session, ids, viewer, clock.now()) : ''}
        ${end === undefined ? '' : renderEnd(end, events.events, ids, clock.now())}
        ${found.state === 'absent' && end === undefined ? renderGone() : ''}
        <section class="card" aria-labelledby="events">
          <div class="card-head"><h2 id="events">What happened to it</h2></div>
          ${events.render(
            ids,
            clock.now(),
            html`The feed has nothing of it: it is older than what the feed keeps.`,
            true,
          )}
        </section>`
      const page = frame.render(c, viewer, {
        title: 'Session',
        heading: html`<span class="id" data-copy>${ids.show(id)}</span>`,
        lead: renderState(found, end),
        content: isKnown ? content : renderAbsent(keepEndedMs),
      })
      return answerPage(page, isKnown ? 200 : 404)
    },

    async end(c: AppContext, viewer: Viewer): Promise<Response> {
      const id = readId(c, viewer)
      const found = await sessions.find(id)
      if (found.state === 'absent') {
        throw new HttpError('route_not_found', 'Cannot end this session: there is none of this id')
      }
      // One that has ended meanwhile is on its page with the reason.
      const isLive = found.state === 'live'
      if (isLive) {
        await sessions.end(found, 'revoked')
        trail.ended(c, viewer.backEnd, 1, { id })
      }
      const href = hrefOfSession(shownIdsFor(viewer.backEnd), id)
      return redirect(isLive ? `${href}?ended=1` : href)
    },
  }
}

function renderState({ state }: Found, end: End | undefined): Html | string {
  if (state === 'live') return renderTag('live', 'good')
  return end === undefined ? '' : renderReason(end.reason)
}

/** The feed knows that it was there, and nothing knows why it is not any more. */
function renderGone(): Html {
  return html`<section class="card">
    <p>It is not there any more, and why it ended is forgotten, or not noticed yet.</p>
  </section>`
}

function renderAbsent(keepEndedMs: number): Html {
  return html`<section class="card">
    <p>No session has this id.</p>
    <p class="muted">
      It never was, or its end is forgotten: that is known for ${showDuration(keepEndedMs)}
      (<code>--keep-ended</code>), or as long as the session said, and in the feed. Look for its
      user instead:
      <a href="/dashboard/users">users</a>, <a href="/dashboard/feed">feed</a>.
    </p>
  </section>`
}
