/** A page of the manual for a terminal. */
import { lexer, type Token, type Tokens } from 'marked'
import { renderInline } from './inline.ts'
import { createStyle, type Style, widthOf } from './style.ts'
import { renderTextTable } from './text-table.ts'
import { wrapText } from './wrap-text.ts'

export type PageOptions = {
  /** The width of the terminal. */
  readonly columns: number
  readonly colour: boolean
}

/** Wider lines are hard to read, narrower ones cannot hold a word each. */
const MOST_COLUMNS = 100
const LEAST_COLUMNS = 30

/** `page` in Markdown; the links to other pages get their names. */
export function renderPage(page: string, { columns, colour }: PageOptions): string {
  const width = Math.max(LEAST_COLUMNS, Math.min(MOST_COLUMNS, columns))
  const style = createStyle({ colour })
  const lines = renderBlocks(lexer(page), width, style)
  const note = 'In brackets: another page, as in "coatcheck help start"'
  return [...lines, '', ...wrapText(note, width).map(style.faint), ''].join('\n')
}

function renderBlocks(tokens: readonly Token[], columns: number, style: Style): string[] {
  const blocks = tokens.map((token) => renderBlock(token as BlockToken, columns, style))
  return blocks
    .filter((lines) => lines.length > 0)
    .flatMap((lines, at) => (at === 0 ? lines : ['', ...lines]))
}

type BlockToken =
  | Tokens.Blockquote
  | Tokens.Code
  | Tokens.Def
  | Tokens.Heading
  | Tokens.Hr
  | Tokens.HTML
  | Tokens.List
  | Tokens.Paragraph
  | Tokens.Space
  | Tokens.Table
  | Tokens.Text

/** No line for what is not shown: comments among it. */
function renderBlock(token: BlockToken, columns: number, style: Style): string[] {
  switch (token.type) {
    case 'heading':
      return renderHeading(token, columns, style)
    case 'code':
      return token.text.split('\n').map((line) => `    ${line}`.trimEnd())
    case 'list':
      return renderList(token, columns, style)
    case 'table':
      return renderTextTable(
        token.header.map((cell) => renderInline(cell.tokens, style)),
        token.rows.map((row) => row.map((cell) => renderInline(cell.tokens, style))),
        columns,
        style,
      )
    case 'blockquote':
      return renderBlocks(token.tokens, columns - 2, style).map((line) => `> ${line}`.trimEnd())
    case 'hr':
      return [style.faint('─'.repeat(columns))]
    case 'paragraph':
      return wrapText(renderInline(token.tokens, style), columns)
    case 'text':
      return wrapText(renderInline(token.tokens ?? [token], style), columns)
    case 'html':
    case 'space':
    case 'def':
      return []
  }
}

/** Bold; and underlined for who cannot see that. */
function renderHeading({ depth, tokens }: Tokens.Heading, columns: number, style: Style): string[] {
  const lines = wrapText(style.bold(renderInline(tokens, style)), columns)
  const mark = depth === 1 ? '═' : depth === 2 ? '─' : undefined
  if (mark === undefined) return lines
  return [...lines, style.faint(mark.repeat(Math.max(...lines.map(widthOf))))]
}

function renderList({ items, ordered, start, loose }: Tokens.List, columns: number, style: Style) {
  return items.flatMap((item, at) => {
    const bullet = ordered ? `${Number(start) + at}.` : '•'
    const indent = ' '.repeat(bullet.length + 1)
    const lines = loose
      ? renderBlocks(item.tokens, columns - indent.length, style)
      : item.tokens.flatMap((token) =>
          renderBlock(token as BlockToken, columns - indent.length, style),
        )
    return [
      ...(loose && at > 0 ? [''] : []),
      ...lines.map((line, row) => `${row === 0 ? `${bullet} ` : indent}${line}`.trimEnd()),
    ]
  })
}
