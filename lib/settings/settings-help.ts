/** The settings for people: what `--help` prints, and the table in the README. */
import { COMMANDS } from '../command-line/command-names.ts'
import { type SettingRow, settingsTable, variableOf } from './settings-table.ts'
import { renderTable, wrap } from '../command-line/wrap.ts'

const EXIT_CODES = [
  [0, 'stopped, as asked'],
  [1, 'a fault of Coatcheck itself, its stack on stderr'],
  [64, 'a setting is wrong; every fault is listed'],
  [
    65,
    'the data file is damaged, of another version, or not ours; of import: a part of the input is ' +
      'wrong, or it is empty',
  ],
  [66, 'there is no data file, for a command that needs one'],
  [69, 'the address is taken, or this machine cannot listen on it'],
  [70, 'a command ended sessions, and a running server took no note'],
  [71, 'no Node, or no SQLite: the folder is noexec, or the C library too old'],
  [73, 'the data folder cannot be written, or the data is no file'],
  [74, 'the disk is full or failed, or a file was taken from under the server'],
  [75, 'another server or program holds the data file, or it has two names'],
] as const

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
    ...EXIT_CODES.flatMap(renderExitCode),
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

/** The same in the README, in Markdown as Prettier leaves it. */
export function renderExitCodeTable(): string {
  return renderMarkdown(
    ['Exit code', 'Why'],
    EXIT_CODES.map(([code, why]) => [String(code), why]),
  )
}

/** The table of settings in the README, in Markdown as Prettier leaves it. */
export function renderSettingsTable(): string {
  const cells = settingsTable.map((row) => [
    `\`${row.flag}\``,
    `\`${variableOf(row)}\``,
    row.default === undefined ? '' : `\`${row.default}\``,
    row.description.replaceAll('|', '\\|'),
  ])
  return renderMarkdown(['Flag', 'Environment', 'Default', 'What it does'], cells)
}

function renderMarkdown(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((_, at) =>
    Math.max(...[head, ...rows].map((row) => row[at]?.length ?? 0)),
  )
  const rule = widths.map((width) => '-'.repeat(width))
  return [head, rule, ...rows]
    .map((line) => `| ${line.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join(' | ')} |\n`)
    .join('')
}

function renderExitCode([code, why]: readonly [code: number, why: string]): string[] {
  const [first = '', ...others] = wrap(why, ' '.repeat(6))
  return [`${String(code).padStart(4)}  ${first.trimStart()}`, ...others]
}

function renderRow(row: SettingRow): string[] {
  const flag = `  ${row.flag} ${row.kind.placeholder}`.padEnd(39)
  const note = row.default === undefined ? '' : ` [${row.default}]`
  return [`${flag}${variableOf(row)}`, ...wrap(row.description + note, ' '.repeat(6))]
}
