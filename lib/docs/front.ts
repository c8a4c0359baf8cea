/** The pages that lead on: `/` for a browser, `/docs`, what a search finds, and what is not there. */
import { html, raw } from 'hono/html'
import { type ManualPage } from './pages.ts'
import { TASKS } from './contents.ts'
import type { Html } from './layout.ts'
import { renderInline } from './markdown.ts'
import { hrefOfHeading, type Hit } from './search.ts'

export const DESCRIPTION =
  'Coatcheck is a session server: hand in an object, get a ticket; come back with the ticket, get the object.'

/** `origin` is where the server is asked; `hasTour`, whether it has the tour. */
export function renderFrontPage(origin: string, hasTour: boolean): Html {
  return html`<div class="hero">
      <h1>Hand in an object, get a ticket</h1>
      <p class="lead">
        This is Coatcheck, a session server. Come back with the ticket, get the object: what an
        application knows of its visitors, kept on disk, by HTTP and JSON.
      </p>
      <p class="actions">
        ${hasTour ? html`<a class="button" href="/tour">Take the tour</a>` : ''}
        <a class="button${hasTour ? ' plain' : ''}" href="/docs">Read the manual</a>
        <a class="button plain" href="/docs/api">API reference</a>
      </p>
    </div>
    <section aria-labelledby="try">
      <h2 id="try">Try it in a terminal</h2>
      <pre
        tabindex="0"
        role="group"
        aria-label="Commands to try"
      ><code><span class="note"># Set a value. The first one begins a session; curl keeps its cookie in the file jar.</span>
<b>curl -i -c jar -b jar -X PUT -d '"ada"' ${origin}/session/user</b>

<span class="note"># Count, in one atomic step.</span>
<b>curl -b jar -X PATCH -d '{"increment":1}' ${origin}/session/visits</b>

<span class="note"># All of the session, and log out.</span>
<b>curl -b jar ${origin}/session</b>
<b>curl -b jar -c jar -X DELETE ${origin}/session</b>
</code></pre>
    </section>
    <section aria-labelledby="next">
      <h2 id="next">Where to go</h2>
      <ul class="cards">
        <li>
          <a href="/docs/start"
            ><strong>Start</strong
            ><span>A running server and a first session, in a minute.</span></a
          >
        </li>
        <li>
          <a href="/docs/back-ends"
            ><strong>Back ends</strong
            ><span>Log users in and out from any language, with an API key.</span></a
          >
        </li>
        <li>
          <a href="/docs/forward-auth"
            ><strong>Proxies</strong><span>nginx, Caddy and others ask who is there.</span></a
          >
        </li>
        <li>
          <a href="/docs/operating"
            ><strong>Operating</strong><span>Back up, watch, upgrade, and what goes wrong.</span></a
          >
        </li>
      </ul>
    </section>
    <p class="here">
      In this browser: <a href="/session">the session of its cookie</a> ·
      <a href="/cookies">its cookies</a> · <a href="/healthz">the health of the server</a> ·
      <a href="/openapi.json">openapi.json</a>
    </p>`
}

export function renderIndex(pages: readonly ManualPage[]): Html {
  return html`<h1>Manual</h1>
    <p class="lead">What do you want to do?</p>
    <div class="tasks">
      ${TASKS.map(
        ({ title, tasks }) =>
          html`<section>
            <h2>${title}</h2>
            <ul>
              ${tasks
                .filter(({ page }) => pages.some(({ name }) => name === page))
                .map(
                  ({ want, page, anchor }) =>
                    html`<li><a href="${hrefOfHeading(page, anchor)}">${want}</a></li>`,
                )}
            </ul>
          </section>`,
      )}
    </div>
    <p class="here">
      Each page is there as text, too: <a href="/docs/start.md">/docs/start.md</a> is that of
      <a href="/docs/start">/docs/start</a>.
    </p>`
}

export function renderHits(query: string, hits: readonly Hit[]): Html {
  if (hits.length === 0) {
    return html`<h1>Nothing found</h1>
      <p class="lead">No section has “${query}”.</p>
      ${renderHints()}`
  }
  return html`<h1>Search</h1>
    <p class="lead">
      ${hits.length === 1 ? 'One section' : `${hits.length} sections`} for “${query}”
    </p>
    <ol class="hits">
      ${hits.map(
        ({ href, title, trail, snippet }) =>
          html`<li>
            <h2><a href="${href}">${title}</a></h2>
            ${trail.length === 0 ? '' : html`<p class="trail">${trail.join(' › ')}</p>`}
            <p>${raw(snippet)}</p>
          </li>`,
      )}
    </ol>`
}

export function renderMissing(): Html {
  return html`<h1>No such page</h1>
    <p class="lead">The manual has no page or file here.</p>
    ${renderHints()}`
}

function renderHints(): Html {
  return html`<p>
    A search takes plain words (<a href="/docs?q=log+out+everywhere">log out everywhere</a>), a flag
    (<a href="/docs?q=--idle-timeout">--idle-timeout</a>), an error’s code (<a
      href="/docs?q=session_ended"
      >session_ended</a
    >) or a status (<a href="/docs?q=410">410</a>). Or begin at the <a href="/docs">first page</a>.
  </p>`
}

/** The page before and the page after. */
export function renderTurn(before: ManualPage | undefined, after: ManualPage | undefined): Html {
  const link = (page: ManualPage, rel: string, label: string) =>
    html`<a rel="${rel}" href="/docs/${page.name}"
      ><small>${label}</small>${raw(renderInline(page.title))}</a
    >`
  return html`<nav class="turn" aria-label="Previous and next">
    ${
      before === undefined ? raw('<span></span>') : link(before, 'prev', 'Previous')
    }${after === undefined ? '' : link(after, 'next', 'Next')}
  </nav>`
}
