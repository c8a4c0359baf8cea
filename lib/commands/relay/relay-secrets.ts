/** The secrets of a relay: by the environment or a file, since others on the machine can read a command line. */
import { readFileSync } from 'node:fs'
import { codeOf } from '../../base/errors.ts'
import { RelayError } from '../../relay/relay-error.ts'
import { readSecret } from '../../relay/webhook/secret.ts'
import { readKeyFile } from '../../service/api-keys.ts'
import { readSome } from '../../settings/settings.ts'

/** The key that signs, of a file. Throws a `RelayError` where there is none. */
export function readSecretFile(path: string): Uint8Array {
  return readSecret(readText(path), path)
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new RelayError(
      'usage',
      `Cannot read the secret in ${path}: ${codeOf(error)}; it must be a file that this user may read`,
    )
  }
}

/**
 * The one API key, of the file that is named or of the environment. Throws where there is none, or
 * more than one.
 */
export function readApiKey(path: string | undefined): string {
  const { apiKeys = [], apiKeyPath } = readSome(['apiKeys', 'apiKeyPath'], {
    '--api-key-file': path,
  })
  // A file that is named is meant, whatever the environment has for others.
  const keys =
    apiKeyPath === undefined || (path === undefined && apiKeys.length > 0)
      ? apiKeys
      : readKeyFile(apiKeyPath)
  const [key, another] = keys
  if (key !== undefined && another === undefined) return key
  const found = key === undefined ? 'there is none' : 'there are several'
  throw new RelayError(
    'usage',
    `Cannot choose the API key for the server: it must be one, in COATCHECK_API_KEY or in a file ` +
      `(--api-key-file), ${found}; "coatcheck key new relay --scope read" makes one`,
  )
}
