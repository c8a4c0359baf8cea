/** JSON of applications, indented, and folded where it is long. */
import { html } from 'hono/html'
import { indentJson } from '../../json/indent.ts'
import type { JsonText } from '../../json/json.ts'
import { showBytes } from '../browser/numbers.ts'
import type { Html } from '../parts/frame.ts'

/** So much is shown at once, and so much at all. */
const FOLDED_CHARACTERS = 4_096
const MOST_CHARACTERS = 262_144

/** `id`: how the viewer calls the session that it is of. */
export function renderJson(title: string, text: JsonText, id: string): Html {
  const name = title.toLowerCase()
  const bytes = Buffer.byteLength(text)
  return html`<section class="card w6 json" aria-labelledby="${name}">
    <div class="card-head">
      <h2 id="${name}">${title}</h2>
      <span class="more">${showBytes(bytes)}</span>
    </div>
    ${
      text === '{}'
        ? html`<p class="empty">Nothing.</p>`
        : renderFolded(title, indentJson(text.slice(0, MOST_CHARACTERS)), text.length, id)
    }
  </section>`
}

function renderFolded(title: string, text: string, length: number, id: string): Html {
  const start = wellFormedEnd(text, FOLDED_CHARACTERS)
  const first = text.slice(0, start)
  const rest = text.slice(start)
  return html`<pre tabindex="0" role="group" aria-label="${title}"><code>${first}</code></pre>
    ${
      rest === ''
        ? ''
        : html`<details>
            <summary>The rest</summary>
            <pre
              tabindex="0"
              role="group"
              aria-label="${title}, the rest"
            ><code>${rest}</code></pre>
          </details>`
    }
    ${
      length > MOST_CHARACTERS
        ? html`<p class="muted">
            This is the beginning. All of it: <code>GET /sessions/${id}</code>
          </p>`
        : ''
    }`
}

/** Not between the halves of a character. */
function wellFormedEnd(text: string, end: number): number {
  return text.slice(0, end).isWellFormed() ? end : end - 1
}
