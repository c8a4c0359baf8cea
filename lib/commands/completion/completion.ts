import { quote } from '../../base/quote.ts'
import { EXIT } from '../../command-line/exit-codes.ts'
import { type Command, takeOneWord, usageError } from '../command.ts'
import { renderCompletion, type Shell } from './completion-scripts.ts'
import { listCommandWords } from './completion-words.ts'

const SHELLS: readonly Shell[] = ['bash', 'zsh', 'fish']

/** `commands` is called when the command runs: by then the table of commands holds this one, too. */
export function completionCommand(commands: () => ReadonlyMap<string, Command>): Command {
  const command: Command = {
    usage: ['completion bash|zsh|fish'],
    summary:
      'Prints a script for a shell that completes the words and flags of "coatcheck". In ' +
      '~/.bashrc: source <(coatcheck completion bash); in ~/.zshrc the same with zsh; in ' +
      '~/.config/fish/config.fish: coatcheck completion fish | source',
    usesData: false,
    async run({ words }, io) {
      const word = takeOneWord(command, words, SHELLS.join('|'))
      const shell = SHELLS.find((known) => known === word)
      if (shell === undefined) throw usageError(command, `Unknown shell ${quote(word)}`)
      io.out(renderCompletion(shell, listCommandWords(commands())))
      return EXIT.done
    },
  }
  return command
}
