import { type Command, usageError } from '../command.ts'
import { renderCompletion, type Shell } from './completion-scripts.ts'
import { listCommandWords } from './completion-words.ts'

const SHELLS: readonly Shell[] = ['bash', 'zsh', 'fish']

/** `commands` is asked when all of them are known, this one among them. */
export function completionCommand(commands: () => ReadonlyMap<string, Command>): Command {
  const command: Command = {
    usage: ['completion bash|zsh|fish'],
    summary:
      'Prints a script that makes the shell complete the words and flags of "coatcheck". In ' +
      '~/.bashrc or ~/.zshrc: source <(coatcheck completion bash), or zsh; in ' +
      '~/.config/fish/config.fish: coatcheck completion fish | source',
    usesData: false,
    async run({ words }, io) {
      const [word, ...others] = words
      const shell = SHELLS.find((known) => known === word)
      if (shell === undefined || others.length > 0) {
        throw usageError(command, 'Cannot tell for which shell')
      }
      io.out(renderCompletion(shell, listCommandWords(commands())))
      return 0
    },
  }
  return command
}
