/**
 * An event of the feed as a webhook, by Standard Webhooks 1.0.
 * https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 */
import { createHmac } from 'node:crypto'
import { quoteStart } from '../../base/quote.ts'

/** An event as `GET /events` has it: besides these members, those of its type. */
export type FeedEvent = {
  readonly id: string
  readonly type: string
  /** When it happened, as ISO 8601. */
  readonly at: string
  readonly [member: string]: unknown
}

export type Message = {
  /** The same for each attempt, so that a receiver can tell a repetition. */
  readonly id: string
  readonly body: string
}

/** Of arrays and objects in each other, with the event's own; those of a feed have that one. */
const MOST_LEVELS = 32

/** Undefined for what is no event, or could not be sent as one: `messageOf` takes all that is returned. */
export function readFeedEvent(value: unknown): FeedEvent | undefined {
  if (value === null || typeof value !== 'object') return undefined
  if (!('id' in value && 'type' in value && 'at' in value)) return undefined
  const { id, type, at } = value
  const isEvent = typeof id === 'string' && typeof type === 'string' && typeof at === 'string'
  if (!isEvent || id === '' || Number.isNaN(Date.parse(at))) return undefined
  // Half a surrogate pair has no UTF-8, so no header can have it.
  // control: relay-event-can-be-sent
  const canBeSent = id.isWellFormed() && nestsAtMost(value, MOST_LEVELS)
  return canBeSent ? { ...value, id, type, at } : undefined
}

/** JSON that nests by the thousands can be parsed, and ends the stack where it is written again. */
function nestsAtMost(value: unknown, levels: number): boolean {
  if (value === null || typeof value !== 'object') return true
  return levels > 0 && Object.values(value).every((part) => nestsAtMost(part, levels - 1))
}

/** An id or a type as messages show it: bare as those of a feed are, of others the start in quotes. */
export function shownOf(text: string): string {
  return /^[\w.:-]{1,64}$/.test(text) ? text : quoteStart(text)
}

/** Thin: who wants more than ids asks the server, and so gets what is true then. */
export function messageOf({ id, type, at, ...data }: FeedEvent): Message {
  // A full stop in the id would make the text that is signed ambiguous.
  const safeId = encodeURIComponent(id).replaceAll('.', '%2E')
  return { id: `evt_${safeId}`, body: JSON.stringify({ type, timestamp: at, data }) }
}

/** The headers of one attempt, made at `now`; a signature for each key. */
export function signMessage(
  { id, body }: Message,
  keys: readonly Uint8Array[],
  now: number,
): Readonly<Record<string, string>> {
  const timestamp = String(Math.floor(now / 1_000))
  // control: webhook-signed-content
  const signed = `${id}.${timestamp}.${body}`
  const signatures = keys.map(
    (key) => `v1,${createHmac('sha256', key).update(signed).digest('base64')}`,
  )
  return {
    'webhook-id': id,
    'webhook-timestamp': timestamp,
    'webhook-signature': signatures.join(' '),
  }
}
