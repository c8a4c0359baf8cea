/** The button that ends one session, which asks once: a dialog that needs no script. */
import { html } from 'hono/html'
import type { Html } from '../parts/frame.ts'
import { hrefOfSession, type ShownIds } from '../parts/places.ts'

export function renderEndOne(ids: ShownIds, fullId: string, isSmall = false): Html {
  const name = `end-${fullId}`
  const shown = ids.show(fullId)
  const button = isSmall
    ? html`<button type="button" class="small" popovertarget="${name}">
        End<span class="unseen"> session ${shown}</span>
      </button>`
    : html`<button type="button" class="bad" popovertarget="${name}">End this session</button>`
  return html`${button}
    <div id="${name}" class="sheet" popover role="dialog" aria-label="End a session">
      <form method="post" action="${hrefOfSession(ids, fullId)}/end">
        <h2>End this session?</h2>
        <p><code>${shown}</code></p>
        <p class="muted">Its holder is logged out at once. That cannot be undone.</p>
        <p class="actions">
          <button type="button" popovertarget="${name}" popovertargetaction="hide">Keep it</button>
          <button class="bad filled">End it</button>
        </p>
      </form>
    </div>`
}
