import { makeFolder } from './spawn-server.ts'

/** What a person's shell has, and nothing that the npm of these tests has put in. */
export function personsEnvironment() {
  return {
    PATH: process.env['PATH'],
    HOME: makeFolder(),
    npm_config_cache: makeFolder(),
    npm_config_offline: 'true',
    npm_config_update_notifier: 'false',
  }
}
