/** The dictionaries, and how their texts are filled in. */
import { chinese } from './chinese.ts'
import { english, type Word, type Words } from './english.ts'

/** By the tag that pages of the language have in `<html lang>`. */
export const DICTIONARIES: Readonly<Record<'en' | 'zh-Hans', Words>> = {
  en: english,
  'zh-Hans': chinese,
}

export function hasWord(key: string): key is Word {
  return Object.hasOwn(english, key)
}

/** `{name}` becomes the text of that name. */
export function fill(text: string, texts: Readonly<Record<string, string | number>>): string {
  return text.replace(/\{(\w+)\}/g, (whole, name: string) =>
    Object.hasOwn(texts, name) ? String(texts[name]) : whole,
  )
}

/** A piece of a text of the dictionaries, for what writes it into a page. */
export type Piece =
  | { readonly kind: 'plain' | 'code' | 'strong'; readonly text: string }
  | { readonly kind: 'link'; readonly text: string; readonly href: string }

/** `code` between backticks, *strong* between asterisks, [link](/path). */
export function piecesOf(text: string): Piece[] {
  const found = text.matchAll(/`([^`]+)`|\*([^*]+)\*|\[([^\]]+)\]\((\/[^)]*)\)|([^`*[]+|.)/gs)
  return [...found].map(([, code, strong, link, href = '', plain = '']) => {
    if (code !== undefined) return { kind: 'code', text: code }
    if (strong !== undefined) return { kind: 'strong', text: strong }
    if (link !== undefined) return { kind: 'link', text: link, href }
    return { kind: 'plain', text: plain }
  })
}
