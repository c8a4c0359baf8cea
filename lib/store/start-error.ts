/** Why a store cannot be opened; each has an exit code of its own. */
export type StartFault =
  'missing' | 'damaged' | 'foreign' | 'newer' | 'older' | 'in_use' | 'unwritable' | 'disk_failed'

/** A refusal to open the data file. The file is left as it was. */
export class StartError extends Error {
  readonly fault: StartFault

  constructor(fault: StartFault, message: string) {
    super(message)
    this.name = 'StartError'
    this.fault = fault
  }
}
