import { stripVTControlCharacters, styleText } from 'node:util'

export type Style = {
  readonly bold: Mark
  readonly code: Mark
  readonly faint: Mark
}

type Mark = (text: string) => string

/** Without colours, code keeps its marks. */
export function createStyle({ colour }: { readonly colour: boolean }): Style {
  if (!colour) return { bold: (text) => text, code: (text) => `\`${text}\``, faint: (text) => text }
  return { bold: eachWord('bold'), code: eachWord('cyan'), faint: eachWord('dim') }
}

/** How many columns of a terminal a text takes. */
export function widthOf(text: string): number {
  return [...stripVTControlCharacters(text)].length
}

/** Word by word, so that a line may end anywhere, and what is beside it is not in the same style. */
function eachWord(format: 'bold' | 'cyan' | 'dim'): Mark {
  return (text) =>
    text.replaceAll(/\S+/g, (word) => styleText(format, word, { validateStream: false }))
}
