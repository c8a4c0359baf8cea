/** What stands within a paragraph of Markdown, as one text. */
import type { Token, Tokens } from 'marked'
import type { Style } from './style.ts'

export function renderInline(tokens: readonly Token[] | undefined, style: Style): string {
  return (tokens ?? []).map((token) => renderToken(token as MarkedToken, style)).join('')
}

type MarkedToken =
  | Tokens.Br
  | Tokens.Codespan
  | Tokens.Del
  | Tokens.Em
  | Tokens.Escape
  | Tokens.HTML
  | Tokens.Image
  | Tokens.Link
  | Tokens.Strong
  | Tokens.Text

function renderToken(token: MarkedToken, style: Style): string {
  switch (token.type) {
    case 'codespan':
      return style.code(token.text)
    case 'strong':
      return style.bold(renderInline(token.tokens, style))
    case 'link':
      return renderLink(token, style)
    case 'br':
      return ' '
    case 'html':
      return ''
    case 'em':
    case 'del':
      return renderInline(token.tokens, style)
    case 'image':
    case 'escape':
      return token.text
    case 'text':
      return token.tokens === undefined ? decode(token.text) : renderInline(token.tokens, style)
  }
}

/** With the name of the page that it leads to, or the address of another site. */
function renderLink({ href, tokens }: Tokens.Link, style: Style): string {
  const text = renderInline(tokens, style)
  const page = /^(?:\.\/)?([\w-]+)\.md(?:#.*)?$/.exec(href)?.[1]
  if (page !== undefined) {
    const isNamed = text === `${page}.md` || text === page
    return isNamed ? style.bold(`[${page}]`) : `${text} ${style.bold(`[${page}]`)}`
  }
  const isElsewhere = /^https?:/.test(href) && href !== text
  return isElsewhere ? `${text} (${href})` : text
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&amp;': '&',
  '&lt;': '<',
  '&gt;': '>',
  '&quot;': '"',
  '&nbsp;': ' ',
}

function decode(text: string): string {
  return text.replaceAll(/&\w+;/g, (entity) => ENTITIES[entity] ?? entity)
}
