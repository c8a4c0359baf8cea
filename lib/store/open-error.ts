import { CoatcheckError } from '../base/errors.ts'

/**
 * `unreachable`: no server answers, or none lets us in; `unfit`: it is set up so that a store cannot rest on
 * it; `newer`: what is there is of a newer Coatcheck; `missing`: there is nothing of Coatcheck's.
 */
export type OpenFault = 'unreachable' | 'unfit' | 'newer' | 'missing'

/** Storage that cannot be opened. */
export class OpenError extends CoatcheckError {
  readonly fault: OpenFault

  constructor(fault: OpenFault, message: string) {
    super('storage_failed', message)
    this.fault = fault
  }
}
