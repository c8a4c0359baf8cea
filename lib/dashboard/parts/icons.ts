/** Icons of 16 × 16, drawn with the colour of the text beside them. */
import { raw } from 'hono/html'

const PATHS = {
  overview: 'M2.5 13V8.5M6.2 13V3M9.8 13V6.5M13.5 13V4.5',
  sessions: 'M2.5 4.5h11M2.5 8h11M2.5 11.5h7',
  users: 'M8 7.8a2.9 2.9 0 1 0 0-5.8 2.9 2.9 0 0 0 0 5.8ZM2.6 14a5.4 5.4 0 0 1 10.8 0',
  feed: 'M1.8 8h2.7l1.9-4.8 3 9.6 1.9-4.8h2.9',
  keys: 'M10.2 9.3a3.4 3.4 0 1 0-3.2-2.3L2.4 11.6V14h2.9v-1.7H7v-1.7h1.2l.6-.6a3.4 3.4 0 0 0 1.4.3ZM11 5.2v.1',
  storage:
    'M2.5 4c0-1.1 2.5-2 5.5-2s5.5.9 5.5 2-2.5 2-5.5 2-5.5-.9-5.5-2Zm0 0v8c0 1.1 2.5 2 5.5 2s5.5-.9 5.5-2V4m-11 4c0 1.1 2.5 2 5.5 2s5.5-.9 5.5-2',
} as const

export type IconName = keyof typeof PATHS

export function icon(name: IconName) {
  return raw(
    '<svg class="icon" viewBox="0 0 16 16" width="16" height="16" fill="none" stroke="currentColor" ' +
      'stroke-width="1.5" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">' +
      `<path d="${PATHS[name]}"/></svg>`,
  )
}

/** The mark of the manual's pages: a hook with its ticket. */
export const MARK = raw(
  '<svg class="mark" viewBox="0 0 24 24" width="20" height="20" aria-hidden="true">' +
    '<path d="M12 8.5V7.2a2.2 2.2 0 1 0-2.2-2.2M12 8.5 3.2 15.1a1.5 1.5 0 0 0 .9 2.7h15.8a1.5 1.5 0 0 0 .9-2.7L12 8.5Z" ' +
    'fill="none" stroke="currentColor" stroke-width="1.9" stroke-linecap="round" stroke-linejoin="round"/></svg>',
)
