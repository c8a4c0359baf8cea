/** The npm packages of the peers. */
import { fileURLToPath } from 'node:url'
import { installPackages } from '../../kit/process/install-packages.ts'

/** Where the peers' programs run, with their packages. */
export const PEERS_FOLDER = fileURLToPath(new URL('../../../dist/bench-peers/', import.meta.url))

const SOURCE_FOLDER = fileURLToPath(new URL('../peers/', import.meta.url))

/** Why they are not there, undefined where they are. */
export function installPeerPackages(mayInstall: boolean): Promise<string | undefined> {
  return installPackages(SOURCE_FOLDER, PEERS_FOLDER, mayInstall)
}
