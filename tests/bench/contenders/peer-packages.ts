/**
 * The npm packages of the peers. They are no dependencies of the project, so they are installed
 * beside what it builds, in a folder that git ignores, from the lockfile in `peers/`.
 */
import { copyFileSync, cpSync, existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runToEnd } from '../machine/processes.ts'

/** Where the peers' programs run, with their packages. */
export const PEERS_FOLDER = fileURLToPath(new URL('../../../dist/bench-peers/', import.meta.url))

const SOURCE_FOLDER = fileURLToPath(new URL('../peers/', import.meta.url))
const LOCKFILE = join(SOURCE_FOLDER, 'package-lock.json')
/** Says from which lockfile the packages are. */
const STAMP = join(PEERS_FOLDER, 'node_modules', '.installed-lock.json')
const INSTALL_LIMIT_MS = 300_000

/** Why they are not there, undefined where they are. */
export async function installPeerPackages(mayInstall: boolean): Promise<string | undefined> {
  const isInstalled = existsSync(STAMP) && readFileSync(STAMP).equals(readFileSync(LOCKFILE))
  if (!isInstalled && !mayInstall) return 'its npm packages are not installed (--no-install)'
  cpSync(SOURCE_FOLDER, PEERS_FOLDER, { recursive: true })
  if (isInstalled) return undefined
  try {
    const quiet = ['--ignore-scripts', '--no-audit', '--no-fund']
    // The folder is named, or npm would take that of the `npm run` that it is part of.
    await runToEnd(['npm', 'ci', ...quiet, '--prefix', PEERS_FOLDER], {
      folder: PEERS_FOLDER,
      // A registry or a proxy may be set in the environment.
      env: process.env,
      limitMs: INSTALL_LIMIT_MS,
    })
    copyFileSync(LOCKFILE, STAMP)
    return undefined
  } catch (error) {
    const [line = ''] = (error as Error).message.split('\n')
    return `its npm packages could not be installed (${line})`
  }
}
