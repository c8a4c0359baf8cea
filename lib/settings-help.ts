/** The settings for people: what `--help` prints, and the table in the README. */
import { COMMANDS } from './command-names.ts'
import { type SettingRow, settingsTable, variableOf } from './settings-table.ts'
import { renderTable, wrap } from './wrap.ts'

/** What `--help` prints, at most 80 columns wide. */
export function renderHelp(): string {
  const groups = Map.groupBy(settingsTable, (row) => row.group)
  return [
    'Usage: coatcheck [serve] [--flag value]...',
    '       coatcheck COMMAND ...',
    '       coatcheck help COMMAND',
    '',
    'A session server: hand in an object, get a ticket; come back with the ticket,',
    'get the object. Each setting is a flag or a variable of the environment; the',
    'flag wins, and an empty variable is none.',
    ...[...groups].flatMap(([group, rows]) => ['', `${group}:`, ...rows.flatMap(renderRow)]),
    '',
    'Exit codes:',
    '   0  stopped, as asked',
    '   1  a fault of Coatcheck itself, its stack on stderr',
    '  64  a setting is wrong',
    '  65  the data file is damaged, of another version, or not one of ours',
    '  66  there is no data file, for a command that needs one',
    '  69  the address is taken',
    '  70  a command has ended sessions that a running server may still show',
    '  71  SQLite cannot be loaded: the folder is noexec, or the C library too old',
    '  73  the data folder cannot be written',
    '  74  the disk failed',
    '  75  another server holds the data file',
    '',
    'Other flags:',
    '  -h, --help       print this and stop',
    '  -V, --version    print the version and stop',
    '',
    // Last, where a terminal still shows it.
    'Commands:',
    ...renderTable([
      ['serve', 'serve sessions; the same as no word at all'],
      ...Object.entries(COMMANDS),
    ]),
    '',
    'All of a command: coatcheck help COMMAND',
    '',
  ].join('\n')
}

/** The table of settings in the README, in Markdown as Prettier leaves it. */
export function renderSettingsTable(): string {
  const cells = settingsTable.map((row) => [
    `\`${row.flag}\``,
    `\`${variableOf(row)}\``,
    row.default === undefined ? '' : `\`${row.default}\``,
    row.description.replaceAll('|', '\\|'),
  ])
  const lines = [['Flag', 'Environment', 'Default', 'What it does'], ...cells]
  const widths = [0, 1, 2, 3].map((at) => Math.max(...lines.map((line) => line[at]?.length ?? 0)))
  const rule = widths.map((width) => '-'.repeat(width))
  return [...lines.slice(0, 1), rule, ...cells]
    .map((line) => `| ${line.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join(' | ')} |\n`)
    .join('')
}

function renderRow(row: SettingRow): string[] {
  const flag = `  ${row.flag} ${row.kind.placeholder}`.padEnd(39)
  const note = row.default === undefined ? '' : ` [${row.default}]`
  return [`${flag}${variableOf(row)}`, ...wrap(row.description + note, ' '.repeat(6))]
}
