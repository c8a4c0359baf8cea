/** The words of the server when it starts. */
import type { Log } from '../base/log.ts'
import { readStrayVariables } from '../settings/settings.ts'

/** Prints the address, a command to try, and the file of a key that was just made. */
export function announce(url: string, keyMadeAt: string | undefined): void {
  const target = url.startsWith('unix:')
    ? `--unix-socket ${url.slice('unix:'.length)} http://localhost`
    : url
  process.stdout.write(
    `Coatcheck listens on ${url}\n` +
      `Try: curl -i -c jar -b jar -X PUT -d '"ada"' ${target}/session/user\n` +
      (keyMadeAt === undefined ? '' : `API key for back ends, made just now: ${keyMadeAt}\n`),
  )
}

/** Logs variables that look like settings and are none: their names only, a value may be a secret. */
export function reportVariables(log: Log): void {
  const { serviceLinks, unknown } = readStrayVariables()
  if (serviceLinks.length > 0) {
    log.info('service_links_ignored', { variables: serviceLinks.join(' ') })
  }
  if (unknown.length > 0) log.warn('unknown_variables', { variables: unknown.join(' ') })
}
