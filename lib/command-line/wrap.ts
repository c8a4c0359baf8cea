/** The default width of a terminal: no line of a help is longer. */
const COLUMNS = 80

/** The text in lines shorter than 80 columns, each behind `indent`; a longer word stays whole. */
export function wrap(text: string, indent: string): string[] {
  const lines: string[] = []
  for (const word of text.split(/\s+/)) {
    const last = lines.at(-1)
    if (last !== undefined && last.length + 1 + word.length <= COLUMNS - 1) {
      lines[lines.length - 1] = `${last} ${word}`
    } else {
      lines.push(indent + word)
    }
  }
  return lines
}

/** Two columns: names, and a text for each. */
export function renderTable(rows: readonly (readonly [name: string, text: string])[]): string[] {
  const width = Math.max(...rows.map(([name]) => name.length))
  const indent = ' '.repeat(width + 4)
  return rows.flatMap(([name, text]) => {
    const [first = '', ...rest] = wrap(text, indent)
    return [`  ${name.padEnd(width)}  ${first.slice(indent.length)}`, ...rest]
  })
}
