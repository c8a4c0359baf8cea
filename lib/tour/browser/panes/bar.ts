/** A bar that runs out, with the time that is left. */
import { element } from './elements.ts'
import { sayDuration } from './page-words.ts'

export type Span = {
  /** In milliseconds since 1970, by the browser's clock. */
  readonly startsAt: number
  readonly endsAt: number
}

export type Bar = {
  readonly root: HTMLElement
  /** Undefined: nothing runs. */
  set(span: Span | undefined, now: number): void
  tick(now: number): void
}

const NARROW_MS = 10_000

export function createBar(label: string): Bar {
  const rest = element('span', { class: 'rest' })
  const left = element('b', { class: 'left' })
  const track = element(
    'div',
    { class: 'track', role: 'meter', 'aria-label': label, 'aria-valuemin': '0' },
    rest,
  )
  const name = element('span', { class: 'name' }, label)
  const root = element('div', { class: 'bar' }, element('p', {}, name, left), track)
  let span: Span | undefined
  let shown = ''

  function tick(now: number): void {
    if (span === undefined) return
    const total = Math.max(1, span.endsAt - span.startsAt)
    const leftMs = Math.min(total, Math.max(0, span.endsAt - now))
    const text = sayDuration(leftMs)
    const state = `${text} ${total}`
    // Once a second is enough for eyes, and for batteries.
    if (state === shown) return
    shown = state
    left.textContent = text
    rest.style.transform = `scaleX(${leftMs / total})`
    root.classList.toggle('ending', leftMs <= Math.min(NARROW_MS, total / 4))
    track.setAttribute('aria-valuemax', String(Math.ceil(total / 1000)))
    track.setAttribute('aria-valuenow', String(Math.ceil(leftMs / 1000)))
    track.setAttribute('aria-valuetext', text)
  }

  return {
    root,
    set(next, now) {
      span = next
      root.hidden = next === undefined
      tick(now)
    },
    tick,
  }
}
