/** The words of this page's language, and its times. */
import type { Word } from '../words/english.ts'
import { DICTIONARIES, fill } from '../words/words.ts'

const language = document.documentElement.lang === 'zh-Hans' ? 'zh-Hans' : 'en'
const words = DICTIONARIES[language]

export function say(word: Word, texts: Readonly<Record<string, string | number>> = {}): string {
  return fill(words[word], texts)
}

const DAY_MS = 86_400_000

const clockFace = new Intl.DateTimeFormat(language, { timeStyle: 'medium', hourCycle: 'h23' })
const withDay = new Intl.DateTimeFormat(language, {
  dateStyle: 'medium',
  timeStyle: 'short',
  hourCycle: 'h23',
})

/** The time of day, and the day if it is not soon. `at` and `now`: milliseconds since 1970. */
export function sayTime(at: number, now: number): string {
  return (Math.abs(at - now) < DAY_MS ? clockFace : withDay).format(at)
}

/** `29:59`, `11:59:59`, `30 d 23:59:59`. */
export function sayDuration(milliseconds: number): string {
  const seconds = Math.max(0, Math.ceil(milliseconds / 1000))
  const days = Math.floor(seconds / 86_400)
  const [hours, minutes, rest] = [
    Math.floor((seconds % 86_400) / 3_600),
    Math.floor((seconds % 3_600) / 60),
    seconds % 60,
  ]
  const two = (number: number) => String(number).padStart(2, '0')
  const clock =
    hours > 0 || days > 0
      ? `${days > 0 ? two(hours) : hours}:${two(minutes)}:${two(rest)}`
      : `${minutes}:${two(rest)}`
  return days > 0 ? say('duration.daysAnd', { days, rest: clock }) : clock
}
