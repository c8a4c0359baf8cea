/** Which language a visitor reads: the one chosen here, else the first of the browser's that there is. */
import { parseCookies } from '../http/cookies/cookie-header.ts'
import type { AppContext } from '../http/app-env.ts'
import { readHeader, readQueries } from '../http/request/request.ts'
import { LANGUAGE_COOKIE } from './browser/words/language-cookie.ts'
import { DICTIONARIES } from './browser/words/words.ts'

/** As in `<html lang>`. */
export type Language = keyof typeof DICTIONARIES

/** As in `?lang=`, by which a visitor chooses. */
export const CHOICES: Readonly<Record<Language, string>> = { en: 'en', 'zh-Hans': 'zh' }

const DEFAULT: Language = 'en'

export type Choice = {
  readonly language: Language
  /** Chosen just now: to be remembered. */
  readonly isNew: boolean
}

export function readLanguage(c: AppContext): Choice {
  const chosen = languageOf(readQueries(c).get('lang'))
  if (chosen !== undefined) return { language: chosen, isNew: true }
  const kept = languageOf(parseCookies(readHeader(c, 'cookie'), true).get(LANGUAGE_COOKIE))
  return { language: kept ?? preferredOf(readHeader(c, 'accept-language')), isNew: false }
}

/** RFC 9110 12.5.4; of two that are liked as much, the first. */
function preferredOf(header = ''): Language {
  const liked = header.split(',').map((range) => {
    const [tag = '', ...parameters] = range.split(';').map((part) => part.trim())
    const quality = parameters.find((one) => /^q=/i.test(one))?.slice(2)
    return { language: languageOf(tag), quality: quality === undefined ? 1 : Number(quality) }
  })
  const usable = liked.filter(({ language, quality }) => language !== undefined && quality > 0)
  return usable.toSorted((a, b) => b.quality - a.quality)[0]?.language ?? DEFAULT
}

/** Of a tag such as `zh-CN`: its first part says all that there is a difference of. */
function languageOf(tag: string | undefined): Language | undefined {
  const [primary] = tag?.toLowerCase().split('-', 1) ?? []
  if (primary === 'zh') return 'zh-Hans'
  return primary === 'en' ? 'en' : undefined
}
