import { COMMANDS } from '../command-line/command-names.ts'
import { listExitCodes } from '../command-line/exit-codes.ts'
import { renderTable, wrap } from '../command-line/wrap.ts'
import type { SettingRow } from './setting-row.ts'
import { settingsTable, variableOf } from './settings-table.ts'

/** The help of the program: settings, exit codes and commands, at most 80 columns wide. */
export function renderHelp(): string {
  const groups = Map.groupBy(settingsTable, (row) => row.group)
  return [
    'Usage: coatcheck [serve] [--flag value]...',
    '       coatcheck COMMAND ...',
    '       coatcheck help COMMAND|TOPIC',
    '',
    'A session server: hand in an object, get a ticket; come back with the ticket,',
    'get the object. Each setting is a flag or an environment variable; the flag',
    'wins, and an empty variable counts as absent.',
    ...[...groups].flatMap(([group, rows]) => ['', `${group}:`, ...rows.flatMap(renderRow)]),
    '',
    'Exit codes:',
    ...listExitCodes().flatMap(renderExitCode),
    '',
    'Other flags:',
    '  -h, --help       print this help',
    '  -V, --version    print the version',
    '',
    // Last, where a terminal still shows it.
    'Commands:',
    ...renderTable([
      ['serve', 'serve sessions; also without any word'],
      ...Object.entries(COMMANDS),
    ]),
    '',
    'The help of a command: coatcheck help COMMAND',
    '',
  ].join('\n')
}

function renderExitCode([code, meaning]: readonly [code: number, meaning: string]): string[] {
  const [first = '', ...others] = wrap(meaning, ' '.repeat(6))
  return [`${String(code).padStart(4)}  ${first.trimStart()}`, ...others]
}

function renderRow(row: SettingRow): string[] {
  const flag = `  ${row.flag} ${row.kind.placeholder}`.padEnd(39)
  const note = row.default === undefined ? '' : ` [${row.default}]`
  return [`${flag}${variableOf(row)}`, ...wrap(row.description + note, ' '.repeat(6))]
}
