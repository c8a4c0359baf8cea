/** What the pages with long lists share: the search above them, the way to other pages of them. */
import { html } from 'hono/html'
import { CoatcheckError } from '../../base/errors.ts'
import { HttpError } from '../../http/answer/problem.ts'
import type { Html } from './frame.ts'

/** For a read that has failed: only the store can tell whether a cursor is one. */
export function refuseCursor(list: 'list' | 'feed'): (error: unknown) => never {
  return (error) => {
    if (!(error instanceof CoatcheckError && error.code === 'invalid_argument')) throw error
    throw new HttpError(
      'bad_request',
      `Cannot show this page of the ${list}: its address was changed`,
    )
  }
}

export type SearchField = {
  readonly action: string
  readonly text: string
  readonly maxLength: number
  readonly placeholder: string
  readonly hint: Html
}

export function renderSearch({ action, text, maxLength, placeholder, hint }: SearchField): Html {
  return html`<form class="search" role="search" action="${action}">
    <label class="unseen" for="q">Search</label>
    <input
      id="q"
      type="search"
      name="q"
      value="${text}"
      maxlength="${maxLength}"
      placeholder="${placeholder}"
      aria-describedby="q-hint"
      autocomplete="off"
      spellcheck="false"
      data-search
    />
    <button>Search</button>
    <p id="q-hint">${hint}</p>
  </form>`
}

/** A page that can be turned to: its address and what the link says. Undefined where there is none. */
export type Turn = { readonly href: string; readonly text: string } | undefined

export function renderTurn(label: string, first: Turn, next: Turn): Html {
  return html`<nav class="turn" aria-label="${label}">
    ${first === undefined ? '' : html`<a href="${first.href}">${first.text}</a>`}
    ${next === undefined ? '' : html`<a rel="next" href="${next.href}">${next.text}</a>`}
  </nav>`
}
