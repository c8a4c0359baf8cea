/** Elements, of texts alone: nothing that comes from outside is ever read as HTML. */
import { piecesOf } from '../words/words.ts'

export type Child = Node | string | undefined

type Attributes = Readonly<Record<string, string | undefined>>

/** An attribute that is undefined is left out. */
export function element<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Attributes = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[Tag] {
  const made = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined) made.setAttribute(name, value)
  }
  made.append(...children.filter((child) => child !== undefined))
  return made
}

/** A text of the dictionaries, with its code and its links. */
export function marked(text: string): DocumentFragment {
  const all = document.createDocumentFragment()
  for (const piece of piecesOf(text)) {
    if (piece.kind === 'link') all.append(element('a', { href: piece.href }, piece.text))
    else if (piece.kind === 'plain') all.append(piece.text)
    else all.append(element(piece.kind === 'code' ? 'code' : 'strong', {}, piece.text))
  }
  return all
}

/** Throws where the page has none: then it is not the page that this script is of. */
export function find<Type extends Element = HTMLElement>(
  selector: string,
  root: ParentNode = document,
): Type {
  const found = root.querySelector<Type>(selector)
  if (found === null) throw new Error(`The page has no ${selector}`)
  return found
}
