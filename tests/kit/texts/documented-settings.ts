import { renderSettingsTable } from './markdown-tables.ts'

export type DocumentedSetting = {
  flag: string
  variable: string
  fallback: string
  description: string
}

/** The settings as the table of the manual has them. */
export function documentedSettings(): DocumentedSetting[] {
  const rows = renderSettingsTable().trimEnd().split('\n').slice(2)
  return rows.map((row) => {
    const cells = row.split('|').map((cell) => cell.trim().replaceAll('`', ''))
    const [, flag = '', variable = '', fallback = '', description = ''] = cells
    return { flag, variable, fallback, description }
  })
}
