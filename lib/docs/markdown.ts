/**
 * Markdown as HTML of our own: no HTML of a page passes, headings have GitHub's anchors, links
 * between pages lead to pages of `/docs`.
 */
import { posix } from 'node:path'
import { Marked, type RendererObject, type Token, type Tokens } from 'marked'

export type Heading = { readonly depth: number; readonly text: string; readonly anchor: string }

export type Rendered = { readonly html: string; readonly headings: readonly Heading[] }

const LEXER = new Marked()

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`)
}

/** A text without its marks, as a heading or a search shows it. */
export function plainText(tokens: readonly Token[] | undefined): string {
  return (tokens ?? []).map(plainToken).join('')
}

function plainToken(token: Token): string {
  if (token.type === 'html') return ''
  if (token.type === 'br') return ' '
  if (token.type === 'text' && 'tokens' in token) return plainText(token.tokens)
  if (token.type === 'codespan' || token.type === 'text' || token.type === 'escape') {
    return String(token['text'])
  }
  return 'tokens' in token ? plainText(token.tokens) : ''
}

/** The blocks of a text. */
export function parseMarkdown(source: string): Token[] {
  return LEXER.lexer(source)
}

/** One line of Markdown as HTML without a paragraph around it. */
export function renderInline(source: string): string {
  return create(new Slugs()).parseInline(source, { async: false })
}

/** GitHub's anchors: unique on a page by a number at the end. */
export class Slugs {
  readonly #taken = new Set<string>()

  next(text: string): string {
    const slug = text
      .toLowerCase()
      .replace(/[^\p{L}\p{M}\p{N}\p{Pc} -]/gu, '')
      .replaceAll(' ', '-')
    let anchor = slug
    for (let count = 1; this.#taken.has(anchor); count++) anchor = `${slug}-${count}`
    this.#taken.add(anchor)
    return anchor
  }
}

export function renderMarkdown(source: string): Rendered {
  const headings: Heading[] = []
  const marked = create(new Slugs(), headings)
  return { html: marked.parse(source, { async: false }), headings }
}

function create(slugs: Slugs, headings: Heading[] = []): Marked {
  return new Marked({ renderer: createRenderer(slugs, headings) })
}

function createRenderer(slugs: Slugs, headings: Heading[]): RendererObject {
  return {
    heading({ tokens, depth }) {
      const text = plainText(tokens)
      const anchor = slugs.next(text)
      headings.push({ depth, text, anchor })
      const inside = this.parser.parseInline(tokens)
      if (depth === 1) return `<h1>${inside}</h1>\n`
      const label = escapeHtml(`Link to “${text}”`)
      return (
        `<h${depth} id="${escapeHtml(anchor)}">${inside}` +
        ` <a class="anchor" href="#${escapeHtml(anchor)}" aria-label="${label}">#</a></h${depth}>\n`
      )
    },
    // Comments are for tests; anything else shows as the text that it is.
    // control: docs-no-raw-html
    html: ({ text }) => (/^<!--[^]*-->\s*$/.test(text) ? '' : escapeHtml(text)),
    paragraph({ tokens }) {
      // The page has a list of its headings beside it.
      return isContents(tokens) ? '' : `<p>${this.parser.parseInline(tokens)}</p>\n`
    },
    link({ href, tokens }) {
      const inside = this.parser.parseInline(tokens)
      const target = resolveLink(href)
      return target === undefined ? inside : `<a href="${escapeHtml(target)}">${inside}</a>`
    },
    // A long name may be cut where it has a joint.
    codespan: ({ text }) =>
      `<code>${text.length < 16 ? escapeHtml(text) : escapeHtml(text).replace(/[_/](?=\w)/g, '$&<wbr>')}</code>`,
    image: ({ text }) => escapeHtml(text),
    code({ text, lang }) {
      const name = lang === undefined || lang === '' ? 'Text' : `Code, ${escapeHtml(lang)}`
      return `<pre tabindex="0" role="group" aria-label="${name}"><code>${renderCode(text, lang)}\n</code></pre>\n`
    },
    table(token) {
      return renderTable(token, (cell) => this.parser.parseInline(cell.tokens))
    },
  }
}

/** What is typed stands out from what comes back. */
function renderCode(text: string, lang: string | undefined): string {
  if (lang !== 'console') return escapeHtml(text)
  return text
    .split('\n')
    .map((line) =>
      line.startsWith('$ ')
        ? `<span class="prompt">$ </span><b>${escapeHtml(line.slice(2))}</b>`
        : escapeHtml(line),
    )
    .join('\n')
}

function renderTable({ header, rows }: Tokens.Table, show: (cell: Tokens.TableCell) => string) {
  const align = (cell: Tokens.TableCell) => (cell.align === 'right' ? ' class="number"' : '')
  const head = header.map((cell) =>
    // A column of names may have none itself.
    cell.text === '' ? '<td></td>' : `<th scope="col"${align(cell)}>${show(cell)}</th>`,
  )
  const body = rows.map(
    (row) => `<tr>${row.map((cell) => `<td${align(cell)}>${show(cell)}</td>`).join('')}</tr>`,
  )
  // Columns of names, and a last one of sentences.
  const isWide = header.length > 3 && rows.some((row) => (row.at(-1)?.text.length ?? 0) > 60)
  const label = escapeHtml(header.flatMap(({ tokens }) => plainText(tokens) || []).join(', '))
  return (
    `<div class="${isWide ? 'table wide' : 'table'}" tabindex="0" role="group" aria-label="Table: ${label}">` +
    `<table><thead><tr>${head.join('')}</tr></thead><tbody>${body.join('')}</tbody></table></div>\n`
  )
}

/** A line such as `[Run](#run) · [test](#test)`. */
function isContents(tokens: readonly Token[]): boolean {
  const links = tokens.filter(({ type }) => type === 'link')
  const others = tokens.filter(({ type }) => type !== 'link')
  return (
    links.length > 1 &&
    links.every((token) => 'href' in token && String(token.href).startsWith('#')) &&
    others.every((token) => /^(?:Contents:)?[\s·,;]*$/.test(token.raw))
  )
}

const PROTOCOL = /^https?:\/\//

/**
 * Where a link of a page leads here; undefined for what only a clone has, and for anything that is
 * no link to read.
 */
export function resolveLink(href: string): string | undefined {
  if (href.startsWith('#') || PROTOCOL.test(href)) return href
  // control: docs-links
  if (/^[\w+.-]+:|^\/\//.test(href)) return undefined
  const [path = '', anchor] = href.split('#')
  const file = posix.normalize(posix.join('lib/manual', path))
  if (file === 'README.md') return '/docs'
  if (!file.startsWith('lib/manual/')) return undefined
  const place = file.slice('lib/manual/'.length).replace(/^([^/]+)\.md$/, '$1')
  return `/docs/${place}${anchor === undefined ? '' : `#${anchor}`}`
}
