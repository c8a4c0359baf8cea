import { widthOf } from './style.ts'

/** The lines of a text at most `columns` wide; a longer word stays whole. An empty text is one line. */
export function wrapText(text: string, columns: number): string[] {
  const lines: string[] = ['']
  let width = 0
  for (const word of text.split(/\s+/).filter((part) => part !== '')) {
    const wordWidth = widthOf(word)
    if (width > 0 && width + 1 + wordWidth > columns) {
      lines.push(word)
      width = wordWidth
    } else {
      lines[lines.length - 1] += width === 0 ? word : ` ${word}`
      width += width === 0 ? wordWidth : 1 + wordWidth
    }
  }
  return lines
}

export function padTo(text: string, columns: number): string {
  return text + ' '.repeat(Math.max(0, columns - widthOf(text)))
}
