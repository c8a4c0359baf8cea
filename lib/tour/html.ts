/** Texts of the dictionaries as HTML. */
import { html } from 'hono/html'
import type { Word, Words } from './browser/words/english.ts'
import { fill, piecesOf } from './browser/words/words.ts'

export type Html = ReturnType<typeof html>

/** Fills in and marks up the text of a word. */
export type Say = (word: Word, texts?: Readonly<Record<string, string>>) => Html

export function createSay(words: Words): Say {
  return (word, texts = {}) => renderText(fill(words[word], texts))
}

export function renderText(text: string): Html {
  return html`${piecesOf(text).map((piece) => {
    switch (piece.kind) {
      case 'code':
        return html`<code>${piece.text}</code>`
      case 'strong':
        return html`<strong>${piece.text}</strong>`
      case 'link':
        return html`<a href="${piece.href}">${piece.text}</a>`
      case 'plain':
        return piece.text
    }
  })}`
}

/** In the largest unit of which it is a whole number: `30 minutes`. */
export function renderDuration(milliseconds: number, words: Words): string {
  const seconds = Math.round(milliseconds / 1000)
  const units = [
    ['duration.days', 86_400],
    ['duration.hours', 3_600],
    ['duration.minutes', 60],
  ] as const
  const [word, length] = units.find(([, one]) => seconds > 0 && seconds % one === 0) ?? [
    'duration.seconds',
    1,
  ]
  return fill(words[word], { n: seconds / length })
}
