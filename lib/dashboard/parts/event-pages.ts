/** Events for pages, also where none are kept. */
import { html } from 'hono/html'
import { CoatcheckError } from '../../base/errors.ts'
import type { Viewer } from '../../service/dashboards.ts'
import type { EventPage, EventQuery } from '../../store/browse-store.ts'
import type { Store } from '../../store/store.ts'
import { renderEvents } from './events.ts'
import type { Html } from './frame.ts'
import type { ShownIds } from './places.ts'

export type ShownEvents = EventPage & {
  /** The cursor of the newest event there was before these were read; undefined where none are kept. */
  readonly newest: string | undefined
  render(ids: ShownIds, now: number, empty: Html | string, ofOne?: boolean): Html
}

const ALL = {
  ...{ sub: undefined, type: undefined, reason: undefined, session: undefined },
  after: undefined,
} as const

/** Of the viewer's app alone. */
export async function readEvents(
  { browse, feed }: Pick<Store, 'browse' | 'feed'>,
  { backEnd: { app } }: Viewer,
  asked: Partial<Omit<EventQuery, 'app'>> & { readonly limit: number },
): Promise<ShownEvents> {
  try {
    // Before the page: what comes in between is on it, and is left out by who goes on.
    const newest = await feed.newest()
    const page = await browse.events({ ...ALL, ...asked, app })
    const { events } = page
    return {
      ...page,
      newest,
      render: (ids, now, empty, ofOne) => renderEvents(events, ids, now, empty, ofOne),
    }
  } catch (error) {
    if (!(error instanceof CoatcheckError && error.code === 'events_not_kept')) throw error
    return { events: [], next: undefined, newest: undefined, render: renderNone }
  }
}

function renderNone(): Html {
  return html`<p class="empty">
    No events are kept (<code>--max-events 0</code>). The reason of an end is on the page of its
    session.
  </p>`
}
