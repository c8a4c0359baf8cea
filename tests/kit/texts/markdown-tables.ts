/** The tables of the program as the manual has them, in Markdown as Prettier leaves it. */
import { listExitCodes } from '../../../lib/command-line/exit-codes.ts'
import { settingsTable, variableOf } from '../../../lib/settings/settings-table.ts'

export function renderExitCodeTable(): string {
  const cells = listExitCodes().map(([code, meaning]) => [String(code), meaning])
  return renderMarkdown(['Exit code', 'Why'], cells)
}

export function renderSettingsTable(): string {
  const cells = settingsTable.map((row) => [
    `\`${row.flag}\``,
    `\`${variableOf(row)}\``,
    row.default === undefined ? '' : `\`${row.default}\``,
    row.description.replaceAll('|', '\\|'),
  ])
  return renderMarkdown(['Flag', 'Environment', 'Default', 'What it does'], cells)
}

/** A table with columns as wide as their widest cell. */
export function renderMarkdown(
  head: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  const widths = head.map((_, at) =>
    Math.max(...[head, ...rows].map((row) => row[at]?.length ?? 0)),
  )
  const rule = widths.map((width) => '-'.repeat(width))
  return [head, rule, ...rows]
    .map((line) => `| ${line.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join(' | ')} |\n`)
    .join('')
}
