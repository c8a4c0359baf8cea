import { CommandError, type Command, refuseWords } from '../command.ts'
import { RelayError } from '../../relay/relay-error.ts'
import { RELAY_FLAGS, readRelayFlags } from './relay-flags.ts'
import { runRelay } from './run-relay.ts'
import { runReplay } from './run-replay.ts'

/** Webhooks, by a process beside the server: the server itself calls nobody. */
export const relayCommand: Command = {
  usage: [
    'relay --from URL --to URL --secret-file FILE [flags]',
    'relay --replay FILE --to URL --secret-file FILE',
  ],
  summary:
    'Reads the events of a server and posts each to a receiver, in order, signed as Standard Webhooks ' +
    '1.0 has it; goes on until it is told to stop. How far it has come is kept in a file.',
  usesData: false,
  // It is a service: whoever starts it says how urgent it is.
  isUrgent: true,
  ...RELAY_FLAGS,
  exitCodes: [
    'damaged',
    'missing',
    'receiverGone',
    'unavailable',
    'unwritable',
    'diskFailed',
    'inUse',
    'refused',
  ],
  async run(input, io) {
    refuseWords(relayCommand, input.words, 'the receiver is named with --to URL')
    try {
      const flags = readRelayFlags(relayCommand, input)
      return flags.kind === 'replay'
        ? await runReplay(flags, input.json, io)
        : await runRelay(flags, input.json, io)
    } catch (error) {
      throw error instanceof RelayError ? new CommandError(error.fault, error.message) : error
    }
  },
}
