/**
 * Search over the sections of the manual: counts words, weighs titles and rare words, and shows the
 * place of a section that has most of them.
 */
import type { Token, Tokens } from 'marked'
import { escapeHtml, parseMarkdown, plainText, Slugs } from './markdown.ts'
import type { ManualPage } from './pages.ts'

export type Hit = {
  /** `/docs/operating#back-up` */
  readonly href: string
  readonly title: string
  /** The titles above, the page's first. */
  readonly trail: readonly string[]
  /** Escaped, with the words in `<mark>`. */
  readonly snippet: string
}

/** The first one makes the sections, a page a turn of the event loop, so that requests go on. */
export type Search = (query: string) => Promise<readonly Hit[]>

type Section = {
  readonly href: string
  readonly title: string
  readonly trail: readonly string[]
  /** Paragraphs, list items, rows of tables, lines of code. */
  readonly blocks: readonly Block[]
  readonly titleWords: ReadonlySet<string>
  readonly pageWords: ReadonlySet<string>
  readonly counts: ReadonlyMap<string, number>
  /** All words of the page. */
  readonly near: ReadonlySet<string>
}
type Block = {
  readonly text: string
  readonly words: ReadonlySet<string>
  /** The words that the block explains: a row's flag, code or term. */
  readonly heads: ReadonlySet<string>
  /** Prose says more to a reader than a line of code. */
  readonly weight: number
}

const MAX_HITS = 12
const MAX_WORDS = 12
const MAX_QUERY_CHARACTERS = 200
const SNIPPET_CHARACTERS = 220

const TITLE_WEIGHT = 2.5
const PAGE_WEIGHT = 0.8
const BLOCK_WEIGHT = 1.6
const CODE_WEIGHT = 0.6
const HEAD_WEIGHT = 2.2
/** A word that is on the page, but not in the section. */
const NEAR = 0.5
/** A section's first mentions of a word count for more than its tenth. */
const SATURATION = 1.2
const UNKNOWN_WEIGHT = 2
/** What the history, one framework's page, and the pages for those who change the program weigh beside the others. */
const LESS: ReadonlyMap<string, number> = new Map(
  Object.entries({
    api: 0.8,
    changelog: 0.4,
    django: 0.8,
    express: 0.8,
    fastify: 0.8,
    flask: 0.8,
    hacking: 0.5,
    hono: 0.8,
    inside: 0.4,
    python: 0.8,
    spa: 0.8,
    speed: 0.8,
  }),
)

const IGNORED = new Set(
  (
    'a about am an and any are as at be by can could did do does for from get got had has have how i if in into ' +
    'is it its may me mean means must my need of on one or our put set shall should so than that the their them then there ' +
    'these they this to up use used using was way we were what when where which who why will with would you your happens happen'
  ).split(' '),
)

/** What readers type, in the words of the manual. */
const SPELT: Readonly<Record<string, string>> = {
  logout: 'log out',
  login: 'log in',
  signout: 'log out',
  signin: 'log in',
  backup: 'back up',
  docker: 'container',
  podman: 'container',
  k8s: 'kubernetes',
  cors: 'cross_origin',
  'health check': 'healthcheck',
  'move from': 'moving from',
}
/** Beside the word itself, any of these will do. */
const SAME = stemAll({
  back: ['backup'],
  counter: ['increment', 'count'],
  corrupt: ['damage'],
  delete: ['remove', 'end'],
  expire: ['lifetime', 'last', 'idle'],
  expiry: ['expire', 'lifetime'],
  fast: ['speed'],
  health: ['healthz', 'healthcheck'],
  log: ['login', 'logout'],
  migrate: ['moving'],
  password: ['secret'],
  performance: ['speed'],
  ttl: ['lifetime', 'timeout'],
})

/** Words as they are compared: in lower case, plurals and some endings off. */
function stem(word: string): string {
  if (word.length < 4 || /\d/.test(word)) return word
  const one = word.replace(/ies$/, 'y').replace(/(?<=[^su])s$/, '')
  const short = one.length > 5 ? one.replace(/(?<=[^e])(?:ing|ed)$/, '') : one
  return short.length > 3 ? short.replace(/e$/, '') : short
}

const WORD = /[\p{L}\p{N}_]+(?:[-./:][\p{L}\p{N}_]+)*/gu

/** The words of a text as wholes. */
function namesIn(text: string): string[] {
  return [...text.toLowerCase().matchAll(WORD)].map(([word]) => stem(word))
}

function isName(cell: string): boolean {
  return !/\s/.test(cell)
}

function stemAll(table: Readonly<Record<string, readonly string[]>>) {
  return new Map(Object.entries(table).map(([word, same]) => [stem(word), same.map(stem)]))
}

/** The words of a text; of `--wal-limit` also its parts. */
function wordsOf(text: string): string[] {
  return [...text.toLowerCase().matchAll(WORD)].flatMap(([word]) => {
    const parts = word.split(/[-./:_]/).filter((part) => part !== '')
    return parts.length === 1 ? [stem(word)] : [word, ...parts.map(stem)]
  })
}

export function createSearch(pages: readonly ManualPage[]): Search {
  let kept: Promise<Corpus> | undefined
  return async (query) => {
    kept ??= readCorpus(pages)
    const { sections, rarity } = await kept
    const terms = termsOf(query, rarity)
    if (terms.length === 0) return []
    return sections
      .map((section) => ({ section, score: scoreOf(section, terms) }))
      .filter(({ score }) => score > 0)
      .toSorted((a, b) => b.score - a.score)
      .slice(0, MAX_HITS)
      .map(({ section }) => toHit(section, terms))
  }
}

type Corpus = { readonly sections: readonly Section[]; readonly rarity: Rarity }

async function readCorpus(pages: readonly ManualPage[]): Promise<Corpus> {
  const sections: Section[] = []
  for (const page of pages) {
    sections.push(...sectionsOf(page))
    await new Promise((resolve) => setImmediate(resolve))
  }
  return { sections, rarity: rarityIn(sections) }
}

export function hrefOfHeading(page: string, anchor: string | undefined): string {
  return `/docs/${page}${anchor === undefined ? '' : `#${anchor}`}`
}

/** How much a word says: the fewer sections have it, the more. */
type Rarity = (word: string) => number

function rarityIn(sections: readonly Section[]): Rarity {
  const found = new Map<string, number>()
  for (const { counts, titleWords } of sections) {
    for (const word of new Set([...counts.keys(), ...titleWords])) {
      found.set(word, (found.get(word) ?? 0) + 1)
    }
  }
  return (word) => {
    const count = found.get(word) ?? 0
    return count === 0 ? 0 : Math.log(1 + sections.length / count)
  }
}

/** One thing that is asked for: any of its words will do. */
type Term = { readonly words: readonly string[]; readonly weight: number }

function termsOf(query: string, rarity: Rarity): Term[] {
  const typed = query.slice(0, MAX_QUERY_CHARACTERS).toLowerCase()
  const spelt = Object.entries(SPELT).reduce(
    (text, [said, meant]) => text.replaceAll(` ${said} `, ` ${meant} `),
    ` ${typed.replaceAll(/[\s?!,]+/g, ' ')} `,
  )
  const asked = [...spelt.matchAll(WORD)].map(([word]) => word)
  const telling = asked.filter((word) => !IGNORED.has(word))
  const words = new Set(telling.length === 0 ? asked : telling)
  return [...words].slice(0, MAX_WORDS).flatMap((word) => termsFor(word, rarity))
}

/** The word as it is, or else its parts. A word that is nowhere counts as missing. */
function termsFor(word: string, rarity: Rarity): Term[] {
  const own = stem(word)
  const known = [word, own, ...(SAME.get(own) ?? [])].filter((one) => rarity(one) > 0)
  if (known.length > 0) return [toTerm([...new Set(known)], rarity)]
  const parts = wordsOf(word).filter((one) => rarity(one) > 0)
  return parts.length > 0
    ? parts.map((part) => toTerm([part], rarity))
    : [{ words: [word], weight: UNKNOWN_WEIGHT }]
}

/** Of several words the most common one says how much they tell. */
function toTerm(words: readonly string[], rarity: Rarity): Term {
  return { words, weight: Math.min(...words.map(rarity)) }
}

function scoreOf(section: Section, terms: readonly Term[]): number {
  const { href, counts, titleWords, pageWords, near, blocks } = section
  let score = 0
  let found = 0
  let all = 0
  for (const { words, weight } of terms) {
    all += weight
    const count = words.reduce((sum, word) => sum + (counts.get(word) ?? 0), 0)
    const inTitle = words.some((word) => titleWords.has(word))
    const onPage = words.some((word) => pageWords.has(word))
    if (count > 0 || inTitle || onPage) found += weight
    else if (words.some((word) => near.has(word))) found += weight * NEAR
    score += weight * (count / (count + SATURATION))
    if (inTitle) score += weight * TITLE_WEIGHT
    if (onPage) score += weight * PAGE_WEIGHT
  }
  if (found === 0) return 0
  const best = Math.max(0, ...blocks.map((block) => weightIn(block, terms)))
  const page = /^\/docs\/([\w-]+)/.exec(href)?.[1] ?? ''
  const explains = blocks.some(({ heads }) =>
    terms.every((term) => term.words.some((word) => heads.has(word))),
  )
  const less = explains ? 1 : (LESS.get(page) ?? 1)
  return (score + best * BLOCK_WEIGHT) * (found / all) ** 2 * less
}

function weightIn({ words, heads, weight }: Block, terms: readonly Term[]): number {
  let sum = 0
  for (const term of terms) {
    if (term.words.some((word) => heads.has(word))) sum += term.weight * HEAD_WEIGHT
    else if (term.words.some((word) => words.has(word))) sum += term.weight
  }
  return sum * weight
}

function toHit({ href, title, trail, blocks }: Section, terms: readonly Term[]): Hit {
  const [best] = blocks.toSorted((a, b) => weightIn(b, terms) - weightIn(a, terms))
  return { href, title, trail, snippet: best === undefined ? '' : showSnippet(best.text, terms) }
}

/** The part of a text around the first word that was asked for. */
function showSnippet(text: string, terms: readonly Term[]): string {
  const wanted = new Set(terms.flatMap(({ words }) => words))
  const isWanted = (word: string) =>
    wanted.has(word) || wordsOf(word).some((one) => wanted.has(one))
  const words = [...text.matchAll(WORD)]
  const first = words.find(([word]) => isWanted(word))?.index ?? 0
  const isShort = text.length <= SNIPPET_CHARACTERS
  const from = isShort || first < 80 ? 0 : text.lastIndexOf(' ', first - 60) + 1
  const to = isShort ? text.length : cutAt(text, from + SNIPPET_CHARACTERS)
  let html = from === 0 ? '' : '… '
  let at = from
  for (const { 0: word, index } of words) {
    if (index < from || index + word.length > to || !isWanted(word)) continue
    html += `${escapeHtml(text.slice(at, index))}<mark>${escapeHtml(word)}</mark>`
    at = index + word.length
  }
  // control: docs-snippet
  return html + escapeHtml(text.slice(at, to)) + (to < text.length ? ' …' : '')
}

function cutAt(text: string, limit: number): number {
  if (limit >= text.length) return text.length
  const space = text.lastIndexOf(' ', limit)
  return space > 0 ? space : limit
}

function sectionsOf(page: ManualPage): Section[] {
  const slugs = new Slugs()
  const pageWords = new Set(wordsOf(`${page.name} ${page.title}`))
  const sections: { title: string; trail: string[]; href: string; texts: Text[] }[] = []
  const above: string[] = []
  for (const token of parseMarkdown(page.source)) {
    if (token.type === 'heading') {
      const { depth } = token as Tokens.Heading
      const title = plainText(token.tokens)
      const anchor = slugs.next(title)
      above.length = depth - 1
      const trail = above.filter((one) => one !== undefined)
      above[depth - 1] = title
      sections.push({
        title,
        trail,
        href: hrefOfHeading(page.name, depth === 1 ? undefined : anchor),
        texts: [],
      })
    } else {
      sections.at(-1)?.texts.push(...textsOf(token))
    }
  }
  const near = new Set<string>()
  return sections.map(({ title, trail, href, texts }) => {
    const counts = new Map<string, number>()
    const titleWords = new Set(wordsOf(title))
    const blocks = texts.map(({ text, head, weight }) => {
      const words = wordsOf(text)
      for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1)
      return { text, weight, words: new Set(words), heads: new Set(namesIn(head)) }
    })
    for (const word of [...counts.keys(), ...titleWords]) near.add(word)
    return { title, trail, href, blocks, counts, pageWords, titleWords, near }
  })
}

type Text = { readonly text: string; readonly head: string; readonly weight: number }

const prose = (text: string, head = ''): Text => ({ text, head, weight: 1 })

/** The texts of a block that are shown one at a time. */
function textsOf(token: Token): Text[] {
  switch (token.type) {
    case 'table':
      return (token as Tokens.Table).rows.map((row) => {
        const cells = row.map(({ tokens }) => plainText(tokens))
        return prose(
          cells.filter((cell) => cell !== '').join(' · '),
          cells.slice(0, 2).filter(isName).join(' '),
        )
      })
    case 'list':
      return (token as Tokens.List).items.map(({ tokens }) => {
        const text = tokens.flatMap((inner) => textsOf(inner).map((one) => one.text)).join(' ')
        return prose(text, /^[^\s:]+(?=: [^(])/.exec(text)?.[0])
      })
    case 'code':
      return String(token['text'])
        .split('\n')
        .filter((line) => line.trim() !== '')
        .map((text) => ({ text, head: '', weight: CODE_WEIGHT }))
    case 'space':
    case 'html':
      return []
    default:
      return 'tokens' in token ? [prose(plainText(token.tokens).replaceAll('\n', ' '))] : []
  }
}
