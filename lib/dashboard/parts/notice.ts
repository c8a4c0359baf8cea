/** What was done, for the page after the form. */
import { html } from 'hono/html'
import { showCount } from '../browser/numbers.ts'
import type { Html } from './frame.ts'

/** `ended`: a number of sessions, from the address, with a + where some are left. */
export function renderNotice(ended: string | undefined): Html | string {
  const [, digits, more] = /^(\d{1,9})([ +]?)$/.exec(ended ?? '') ?? []
  if (digits === undefined) return ''
  const count = Number(digits)
  const what = count === 1 ? 'One session was ended' : `${showCount(count)} sessions were ended`
  return renderStatus(
    more === '' ? `${what}.` : `${what}, and there are more: press the button once more.`,
  )
}

export function renderStatus(text: Html | string): Html {
  return html`<p class="notice" role="status">${text}</p>`
}
