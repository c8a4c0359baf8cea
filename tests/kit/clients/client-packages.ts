/** The frameworks and peers that the JavaScript client is tried with, from `tests/kit/client-packages/`. */
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { installPackages } from '../process/install-packages.ts'
import { skip } from '../runner/skip.ts'

/** Where they are installed; programs in it find them. */
export const CLIENT_PACKAGES = fileURLToPath(
  new URL('../../../dist/client-packages/', import.meta.url),
)

const SOURCE = fileURLToPath(new URL('../client-packages/', import.meta.url))

let installing: Promise<string | undefined> | undefined

/** Why they are not there, undefined where they are. */
export function installClientPackages(mayInstall = true): Promise<string | undefined> {
  return (installing ??= installPackages(SOURCE, CLIENT_PACKAGES, mayInstall))
}

/** Skips the test that calls it where they cannot be had. */
export async function needClientPackages(): Promise<void> {
  const missing = await installClientPackages()
  if (missing !== undefined) skip(missing)
}

/** One of them; call `needClientPackages` before. */
export function requirePackage<Package>(name: string): Package {
  return createRequire(`${CLIENT_PACKAGES}package.json`)(name) as Package
}
