import { codeOf } from '../../base/errors.ts'
import { RelayError } from '../relay-error.ts'

/** The error of a file that cannot be opened or made. */
export function cannotOpen(path: string, error: unknown): RelayError {
  return new RelayError(
    'unwritable',
    `Cannot write ${path}: ${codeOf(error)}; its folder must be there and writable for this user`,
  )
}

/** The error of a disk that fails while the relay runs. */
export function cannotWrite(path: string, error: unknown): RelayError {
  return new RelayError(
    'diskFailed',
    `Cannot write ${path}: ${codeOf(error)}; the event under way comes again with the next start`,
  )
}
