/**
 * Mistakes with `npm start`. npm takes flags before `--` for its own and leaves only a trace of them in
 * the environment; and its own lines would mix with the output of a command.
 */
import { COMMAND_NAMES } from '../command-line/command-names.ts'
import type { Environment } from './environment.ts'

/** The faults of a command line that came by `npm start`; empty for any other. */
export function findNpmFaults(
  args: readonly string[],
  env: Environment,
  flags: readonly string[],
): string[] {
  if (env['npm_lifecycle_event'] !== 'start' || env['npm_package_name'] !== 'coatcheck') return []
  const command = args.find((arg) => COMMAND_NAMES.some((name) => name === arg))
  if (command !== undefined) {
    return [`"npm start" only serves: for this command type npx coatcheck ${command} …`]
  }
  const kept = flags.filter((flag) => env[`npm_config_${flag.slice(2).replaceAll('-', '_')}`])
  if (kept.length === 0) return []
  const right = kept.map((flag) => `${flag} …`).join(' ')
  return [`npm took ${kept.join(', ')} for its own: put "--" first, as in npm start -- ${right}`]
}
