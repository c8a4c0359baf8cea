/** The chapters with their operations: a form each, which the script brings to life. */
import { html } from 'hono/html'
import { curlOf } from './browser/tutorial/curl.ts'
import type { Word } from './browser/words/english.ts'
import { readInitial, widthOf } from './browser/tutorial/fields.ts'
import { CHAPTERS, type Field, type Operation } from './browser/tutorial/operations.ts'
import { hasWord } from './browser/words/words.ts'
import type { Html, Say } from './html.ts'

export type StepsDeps = {
  readonly say: Say
  /** What the texts name: the cookie, the limits. */
  readonly facts: Readonly<Record<string, string>>
  /** Where the server is asked. */
  readonly origin: string
  readonly now: number
}

export function renderSteps(deps: StepsDeps): Html {
  const { say, facts } = deps
  return html`<nav class="chapters" aria-label="${say('chapters')}">
      <ol>
        ${CHAPTERS.map(({ id }) => html`<li><a href="#${id}">${say(wordOf(id, 'short'))}</a></li>`)}
      </ol>
    </nav>
    ${CHAPTERS.map(
      ({ id, operations }, at) =>
        html`<section class="chapter" id="${id}" aria-labelledby="${id}-title">
          <h2 id="${id}-title">
            <span class="number">${at + 1}</span> ${say(wordOf(id, 'title'))}
          </h2>
          <p>${say(wordOf(id, 'text'), facts)}</p>
          ${operations.map((operation) => renderStep(operation, deps))}
        </section>`,
    )}`
}

function renderStep(operation: Operation, deps: StepsDeps): Html {
  const { id } = operation
  const { say, facts, origin, now } = deps
  const curl = curlOf(operation.ask(readInitial(operation), now), origin)
  return html`<form
    class="step"
    id="step-${id}"
    data-operation="${id}"
    novalidate
    autocomplete="off"
  >
    <div class="act">
      <p class="flask" id="flask-${id}">${renderFlask(operation, say)}</p>
      <button class="button run" id="run-${id}" aria-labelledby="run-${id} flask-${id}">
        ${say('run')}
      </button>
    </div>
    <p class="fault" id="fault-${id}" role="alert" hidden></p>
    <p class="about">${say(wordOf(id, 'about'), facts)}</p>
    <div class="line">
      <pre><code data-curl>${curl}</code></pre>
      <button type="button" class="copy" aria-label="${say('copyLabel')}">${say('copy')}</button>
    </div>
    <output class="result" for="run-${id}"></output>
    ${renderTruth(id, say)}
  </form>`
}

function renderFlask({ id, flask, fields }: Operation, say: Say): Html {
  if (flask === undefined) return html`<span class="none"># ${say(wordOf(id, 'flask'))}</span>`
  // A line breaks between its words alone: what belongs to a field stays with it.
  const words = flask.split(' ').map((word) => {
    // The text between the fields, and their names, in turn.
    const parts = word.split(/\{(\w+)\}/)
    if (parts.length === 1) return word
    return html`<span
      >${parts.map((part, at) => {
        const field = at % 2 === 0 ? undefined : fields[part]
        return field === undefined ? part : renderField(part, field, id)
      })}</span
    >`
  })
  return html`<code>${words.flatMap((word, at) => (at === 0 ? [word] : [' ', word]))}</code>`
}

/** Named as in the line of Flask: names of parameters are code, in every language. */
function renderField(name: string, field: Field, id: string): Html {
  const label = `${name}, ${id}`
  if (field.choices !== undefined) {
    return html`<select name="${name}" aria-label="${label}" disabled>
      ${field.choices.map((choice) => html`<option>${choice}</option>`)}
    </select>`
  }
  return html`<input
    name="${name}"
    value="${field.initial}"
    size="${widthOf(field)}"
    aria-label="${label}"
    aria-describedby="fault-${id}"
    spellcheck="false"
    autocapitalize="none"
    autocomplete="off"
    readonly
  />`
}

function renderTruth(id: string, say: Say): Html | '' {
  const [title, text] = [`${id}.truth.title`, `${id}.truth`]
  if (!hasWord(title) || !hasWord(text)) return ''
  return html`<aside class="truth" aria-labelledby="truth-${id}">
    <p><strong id="truth-${id}">${say(title)}</strong> ${say(text)}</p>
  </aside>`
}

/** A test asks for every chapter and operation, so none is missing. */
function wordOf(id: string, part: string): Word {
  const word = `${id}.${part}`
  if (!hasWord(word)) throw new Error(`The tour has no word "${word}"`)
  return word
}
