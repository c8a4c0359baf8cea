/** The parts of the manual that come from the code: what stands between two marks of a page. */
import { renderUsage } from '../../../lib/commands/command.ts'
import { commands } from '../../../lib/commands/commands.ts'
import { renderExitCodeTable, renderSettingsTable } from '../texts/markdown-tables.ts'
import { renderFleetCosts, renderFleetNeeds, renderFleetSingleCosts } from './fleet-tables.ts'
import { renderMetricsTable, renderRelayMetricsTable } from './metrics-table.ts'
import { renderApi } from './api-page.ts'
import type { Page } from './page.ts'

/** By page and mark: `<!-- settings -->` … `<!-- /settings -->` of `lib/manual/settings.md`. */
export const MARKED_PARTS: Readonly<Record<string, Readonly<Record<string, () => string>>>> = {
  'lib/manual/api.md': { api: renderApi },
  'lib/manual/metrics.md': { metrics: renderMetricsTable },
  'lib/manual/how-far.md': {
    'fleet costs': renderFleetCosts,
    'fleet needs': renderFleetNeeds,
    'fleet single costs': renderFleetSingleCosts,
  },
  'lib/manual/webhooks.md': { 'relay metrics': renderRelayMetricsTable },
  'lib/manual/settings.md': { settings: renderSettingsTable },
  'lib/manual/errors.md': { 'exit codes': renderExitCodeTable },
  'lib/manual/commands.md': Object.fromEntries(
    [...commands].map(([name, command]) => [
      `help ${name}`,
      () => `\`\`\`text\n${renderUsage(command)}\`\`\`\n`,
    ]),
  ),
}

/** The page with each part as the code renders it now. */
export function withMarkedParts({ path, text }: Page): string {
  return Object.entries(MARKED_PARTS[path] ?? {}).reduce((changed, [name, render]) => {
    const part = new RegExp(`^<!-- ${name} -->\n[^]*?^<!-- /${name} -->`, 'm')
    if (!part.test(changed))
      throw new Error(`${path} must have the marks of ${JSON.stringify(name)}`)
    return changed.replace(part, () => `<!-- ${name} -->\n\n${render()}\n<!-- /${name} -->`)
  }, text)
}
