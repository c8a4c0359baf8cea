/** One operation's form: its fields, its line of curl, its button, and what came of it. */
import { readTime } from './clock.ts'
import { curlOf } from './tutorial/curl.ts'
import { element, find } from './panes/elements.ts'
import { type Filled, readFields, widthOf } from './tutorial/fields.ts'
import { readJson, memberOf, stringOf } from './tutorial/json-text.ts'
import type { Given, Operation } from './tutorial/operations.ts'
import { say } from './panes/page-words.ts'
import type { Exchange } from './requests.ts'
import type { Change } from './state.ts'
import { renderStatus } from './panes/wire-pane.ts'

export type Outcome = { readonly exchange: Exchange; readonly changes: readonly Change[] }

export type StepDeps = {
  readonly origin: string
  readonly run: (operation: Operation, given: Given) => Promise<Outcome>
}

/** Resolves with what is to be called now and then: a line of curl may have a date in it. */
export function bringToLife(
  form: HTMLFormElement,
  operation: Operation,
  { origin, run }: StepDeps,
): () => void {
  const curl = find('[data-curl]', form)
  const fault = find('.fault', form)
  const result = find('.result', form)
  const copy = find<HTMLButtonElement>('.copy', form)
  const button = find<HTMLButtonElement>('.run', form)
  const fields = [...form.querySelectorAll<HTMLInputElement | HTMLSelectElement>('input, select')]

  function read(): Filled {
    const filled = readFields(
      operation,
      (name) => fields.find((field) => field.name === name)?.value ?? '',
    )
    const faults = 'faults' in filled ? filled.faults : new Map<string, never>()
    for (const field of fields) {
      const isWrong = faults.has(field.name)
      if (isWrong) field.setAttribute('aria-invalid', 'true')
      else field.removeAttribute('aria-invalid')
    }
    const [first] = faults.values()
    fault.hidden = first === undefined
    fault.textContent = first === undefined ? '' : say(first)
    return filled
  }

  function refresh(): void {
    const filled = read()
    // A line that somebody is about to copy stays as it is.
    if ('faults' in filled || getSelection()?.containsNode(curl, true) === true) return
    const line = curlOf(operation.ask(filled.given, readTime()), origin)
    if (curl.textContent !== line) curl.textContent = line
  }

  for (const field of fields) {
    if (field instanceof HTMLInputElement) field.readOnly = false
    else field.disabled = false
    field.addEventListener('input', () => {
      if (field instanceof HTMLInputElement) {
        field.size = widthOf({ kind: 'text', initial: field.value })
      }
      refresh()
    })
  }
  copy.addEventListener('click', () => {
    getSelection()?.removeAllRanges()
    refresh()
    // Over http, browsers let no page but this machine's own near the clipboard.
    if (!isSecureContext) return void getSelection()?.selectAllChildren(curl)
    void navigator.clipboard.writeText(curl.textContent).then(() => {
      copy.textContent = say('copied')
      setTimeout(() => (copy.textContent = say('copy')), 1_500)
    })
  })
  form.addEventListener('submit', (event) => {
    event.preventDefault()
    const filled = read()
    if ('faults' in filled) {
      fields.find((field) => field.getAttribute('aria-invalid') === 'true')?.focus()
      return
    }
    button.setAttribute('aria-busy', 'true')
    void run(operation, filled.given).then((outcome) => {
      button.removeAttribute('aria-busy')
      result.replaceChildren(...renderOutcome(operation, filled.given, outcome))
      refresh()
    })
  })
  refresh()
  return refresh
}

function renderOutcome(
  operation: Operation,
  given: Given,
  { exchange: { answer }, changes }: Outcome,
): Node[] {
  if (answer === undefined) return [element('span', { class: 'detail' }, say('run.failed'))]
  const returned = operation.returns(answer, given)
  const detail = returned === undefined && answer.status >= 400 ? detailOf(answer.body) : undefined
  return [
    renderStatus(answer.status),
    ...(returned === undefined ? [] : [element('code', { class: 'returned' }, returned)]),
    ...(detail === undefined ? [] : [element('span', { class: 'detail' }, detail)]),
    ...changes.map(({ side, word, name }) =>
      element('span', { class: `change ${side}` }, say(word, { name, value: name })),
    ),
    ...(changes.length === 0 && detail === undefined
      ? [element('span', { class: 'change' }, say('change.none'))]
      : []),
  ]
}

/** The words of a problem, RFC 9457. */
function detailOf(body: string): string | undefined {
  try {
    return stringOf(memberOf(readJson(body), 'detail'))
  } catch {
    return undefined
  }
}
