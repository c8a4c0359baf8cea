/**
 * Reads a stream of server-sent events, in pieces as they come.
 * https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
 */
import { FeedFault } from './feed-fault.ts'

export type SseItem =
  | { readonly kind: 'event'; readonly id: string; readonly type: string; readonly data: string }
  /** An id without an event: what is before it is of no interest to this reader. */
  | { readonly kind: 'id'; readonly id: string }

export type SseParser = {
  /** The items that are whole with this text. Throws a `FeedFault` where an event is longer than any of ours. */
  push(text: string): SseItem[]
}

/** Of a line, and of the lines of an event; those of the feed have a few hundred. */
const MOST_CHARACTERS = 65_536

export function createSseParser(): SseParser {
  let rest = ''
  let isFirst = true
  let endedInCr = false
  let data: string[] = []
  let size = 0
  let type = ''
  let id = ''
  let hasId = false

  return {
    push(text) {
      let fresh = text
      if (isFirst && fresh !== '') {
        isFirst = false
        if (fresh.startsWith('\uFEFF')) fresh = fresh.slice(1)
      }
      // The CR has ended its line already; its LF is no other line.
      if (endedInCr && fresh.startsWith('\n')) fresh = fresh.slice(1)
      if (fresh !== '') endedInCr = fresh.endsWith('\r')
      const lines = (rest + fresh).split(/\r\n|\r|\n/)
      rest = lines.pop() ?? ''
      requireBounded(rest.length)
      return lines.flatMap((line) => (line === '' ? dispatch() : readLine(line)))
    },
  }

  function readLine(line: string): SseItem[] {
    const [, field = '', value = ''] = /^([^:]*)(?:: ?([^]*))?$/.exec(line) ?? []
    if (field === 'data') {
      data.push(value)
      // With its line feed: lines without end may have nothing in them.
      // control: feed-lines-counted
      size += value.length + 1
      requireBounded(size)
    } else if (field === 'event') type = value
    else if (field === 'id' && !value.includes('\0')) {
      id = value
      hasId = true
    }
    return []
  }

  function dispatch(): SseItem[] {
    const text = data.join('\n')
    const items: SseItem[] =
      data.length > 0
        ? [{ kind: 'event', id, type: type === '' ? 'message' : type, data: text }]
        : hasId
          ? [{ kind: 'id', id }]
          : []
    data = []
    size = 0
    type = ''
    hasId = false
    return items
  }
}

function requireBounded(characters: number): void {
  if (characters > MOST_CHARACTERS) throw new FeedFault('an event is too long to be one of a feed')
}
