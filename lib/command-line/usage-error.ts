/** Flags, words or variables that are wrong: one fault for each thing to put right. */
export class UsageError extends Error {
  readonly faults: readonly string[]
  /** The words that print the right usage, as `key --help`. */
  readonly help: string

  constructor(faults: readonly string[], help = '--help') {
    super(faults.join('; '))
    this.name = 'UsageError'
    this.faults = faults
    this.help = help
  }
}
