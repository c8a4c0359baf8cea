/** Why a relay cannot go on; the message names what was expected, what came, and the way out. */
export type RelayFault =
  /** What was given is wrong: an address, a secret. */
  | 'usage'
  /** A file is not what it should be, or the feed does not know its cursor. */
  | 'damaged'
  /** A file that must be there is not. */
  | 'missing'
  | 'unwritable'
  | 'diskFailed'
  | 'inUse'
  /** The relay's own address cannot be listened on. */
  | 'unavailable'
  /** The server refuses the API key. */
  | 'refused'
  /** The receiver wants no more webhooks. */
  | 'receiverGone'

export class RelayError extends Error {
  override readonly name = 'RelayError'
  readonly fault: RelayFault

  constructor(fault: RelayFault, message: string) {
    super(message)
    this.fault = fault
  }
}
