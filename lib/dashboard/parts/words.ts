/** Times, devices and reasons in the words of a page. */
import { html } from 'hono/html'
import type { EndReason } from '../../session/session.ts'
import type { JsonText } from '../../json/json.ts'
import type { Html } from './frame.ts'

const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** A length of time, in at most two units: `12 s`, `4 min`, `2 h 5 min`, `3 d 4 h`. */
export function showDuration(ms: number): string {
  const rounded = Math.max(0, ms)
  if (rounded < MINUTE) return `${Math.floor(rounded / SECOND)} s`
  if (rounded < HOUR) return `${Math.floor(rounded / MINUTE)} min`
  if (rounded < DAY) return both(Math.floor(rounded / HOUR), 'h', (rounded % HOUR) / MINUTE, 'min')
  return both(Math.floor(rounded / DAY), 'd', (rounded % DAY) / HOUR, 'h')
}

function both(much: number, unit: string, little: number, smaller: string): string {
  const rest = Math.floor(little)
  return rest === 0 ? `${much} ${unit}` : `${much} ${unit} ${rest} ${smaller}`
}

/** `3 min ago` or `in 12 min`, with the moment itself for whoever points at it. */
export function showWhen(at: number, now: number): Html {
  const text =
    Math.abs(at - now) < SECOND
      ? 'now'
      : at > now
        ? `in ${showDuration(roundUp(at - now))}`
        : `${showDuration(now - at)} ago`
  return html`<time datetime="${isoOf(at)}" title="${showMoment(at)}">${text}</time>`
}

/** What is left is rounded up to the minute: a time-out of 30 minutes has 30 left when it begins. */
function roundUp(ms: number): number {
  return ms > MINUTE && ms < HOUR ? Math.ceil(ms / MINUTE) * MINUTE : ms
}

/** `12:06:58`, and the day where that is another one than that of `now`. */
export function showClockOrDay(at: number, now: number): string {
  const [date, today] = [new Date(at), new Date(now)]
  const isToday = isoOf(at).slice(0, -13) === isoOf(now).slice(0, -13)
  if (isToday || Number.isNaN(date.getTime()) || Number.isNaN(today.getTime())) return showClock(at)
  return `${date.getUTCDate()} ${MONTHS[date.getUTCMonth()]} ${showClock(at)}`
}

/** `29 Nov 2026, 12:06:58 UTC` */
export function showMoment(at: number): string {
  const date = new Date(at)
  if (Number.isNaN(date.getTime())) return 'no time'
  const day = `${date.getUTCDate()} ${MONTHS[date.getUTCMonth()]} ${date.getUTCFullYear()}`
  return `${day}, ${showClock(at)} UTC`
}

/** `12:06:58`, in UTC. */
export function showClock(at: number): string {
  return isoOf(at).slice(-13, -5)
}

const MONTHS = [
  ...['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun'],
  ...['Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'],
]

/** Empty for a time that no calendar has: a clock may be anywhere. */
export function isoOf(at: number): string {
  const date = new Date(at)
  return Number.isNaN(date.getTime()) ? '' : date.toISOString()
}

export const REASON_WORDS: Readonly<Record<EndReason, string>> = {
  idle_timeout: 'idle timeout',
  lifetime: 'lifetime',
  logout: 'log-out',
  renewed: 'renewed',
  revoked: 'revoked',
  evicted: 'evicted',
}

/** Why it ended, for somebody who has to explain it to the user. */
export const REASON_MEANINGS: Readonly<Record<EndReason, string>> = {
  idle_timeout: 'No request used it for as long as its idle timeout.',
  lifetime: 'Its lifetime was over. That ends a session however busy it is.',
  logout: 'Its holder logged out.',
  renewed:
    'It was renewed, as at a log-in: it goes on under a new id and token, and the old ones are dead.',
  revoked:
    'Somebody with an API key, at the dashboard or at the command line ended it. The log of the server ' +
    'says who, in the event sessions_ended.',
  evicted:
    'Its user began one session too many (--max-sessions-per-sub), and this was the oldest of them.',
}

/** The colours of tags: what is usual, what may surprise a user, what somebody did. */
export const REASON_TONES: Readonly<Record<EndReason, string>> = {
  idle_timeout: 'warn',
  lifetime: 'warn',
  logout: 'plain',
  renewed: 'plain',
  revoked: 'bad',
  evicted: 'bad',
}

export function renderReason(reason: EndReason): Html {
  return renderTag(REASON_WORDS[reason], REASON_TONES[reason])
}

export function renderTag(text: string, tone: string): Html {
  return html`<span class="tag ${tone}">${text}</span>`
}

export type DeviceWords = {
  /** `Firefox on Linux`, or the beginning of what the client calls itself. */
  readonly name: string | undefined
  readonly userAgent: string | undefined
  readonly address: string | undefined
}

/** Of the device of a session, which clients have written: nothing of it can be trusted. */
export function readDevice(device: JsonText | null): DeviceWords {
  const none = { name: undefined, userAgent: undefined, address: undefined }
  if (device === null) return none
  const { userAgent, address }: { userAgent?: unknown; address?: unknown } = JSON.parse(device)
  const agent = typeof userAgent === 'string' && userAgent !== '' ? userAgent : undefined
  return {
    name: agent === undefined ? undefined : nameOf(agent),
    userAgent: agent,
    address: typeof address === 'string' ? address : undefined,
  }
}

/** In this order: most browsers name others, too. */
const BROWSERS: readonly (readonly [RegExp, string])[] = [
  [/\bEdgA?\//, 'Edge'],
  [/\bOPR\//, 'Opera'],
  [/\bSamsungBrowser\//, 'Samsung Internet'],
  [/\b(?:Firefox|FxiOS)\//, 'Firefox'],
  [/\b(?:HeadlessChrome|Chrome|CriOS)\//, 'Chrome'],
  [/\bVersion\/[\d.]+.*\bSafari\//, 'Safari'],
]
const SYSTEMS: readonly (readonly [RegExp, string])[] = [
  [/\biPhone\b/, 'iPhone'],
  [/\biPad\b/, 'iPad'],
  [/\bAndroid\b/, 'Android'],
  [/\bWindows\b/, 'Windows'],
  [/\bMac OS X\b/, 'Mac'],
  [/\bCrOS\b/, 'ChromeOS'],
  [/\bLinux\b/, 'Linux'],
]
const LONGEST_NAME = 40

function nameOf(agent: string): string {
  const browser = BROWSERS.find(([shape]) => shape.test(agent))?.[1]
  const system = SYSTEMS.find(([shape]) => shape.test(agent))?.[1]
  if (browser !== undefined) return system === undefined ? browser : `${browser} on ${system}`
  const [first = ''] = agent.split(/[\s/;]/, 1)
  const name = first === '' ? agent : first
  return name.length > LONGEST_NAME ? `${name.slice(0, LONGEST_NAME)}…` : name
}
