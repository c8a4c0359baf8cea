/** Reads a page of HTML as strictly as XML: for pages that we write ourselves. */

export type Element = {
  readonly name: string
  readonly attributes: ReadonlyMap<string, string>
  /** Of the element and all inside it, with references resolved. */
  text: string
}

const VOID = ['link', 'meta', 'br', 'hr', 'input', 'wbr', 'img']
const TOKEN =
  /<!doctype html>|<(\/?)([a-z][a-z0-9]*)((?:\s+[a-z-]+(?:="[^"<]*")?)*)\s*(\/?)>|([^<]+)|</gi
const ATTRIBUTE = /([a-z-]+)(?:="([^"]*)")?/gi
const REFERENCE = /&(?:#(\d+)|#x([\da-f]+)|(amp|lt|gt|quot));/gi
const NAMED: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"' }

/** All elements, in the order of their tags. Throws where one is not closed, or a text not escaped. */
export function readHtml(html: string): Element[] {
  const elements: Element[] = []
  const open: Element[] = []
  for (const [token, end, tag, given = '', slash, text] of html.matchAll(TOKEN)) {
    if (text !== undefined) {
      const plain = resolve(text)
      for (const element of open) element.text += plain
    } else if (tag === undefined) {
      if (token === '<') throw new Error(`A "<" that begins no tag, inside ${pathOf(open)}`)
    } else if (end === '/') {
      const last = open.pop()
      if (last?.name !== tag) throw new Error(`</${tag}> inside ${pathOf(open)} ${last?.name}`)
    } else {
      const attributes = new Map<string, string>()
      for (const [, name = '', value = ''] of given.matchAll(ATTRIBUTE)) {
        if (attributes.has(name)) throw new Error(`<${tag}> has two ${name}`)
        attributes.set(name, resolve(value))
      }
      const element = { name: tag, attributes, text: '' }
      elements.push(element)
      if (!VOID.includes(tag) && slash !== '/') open.push(element)
    }
  }
  if (open.length > 0) throw new Error(`Not closed: ${pathOf(open)}`)
  return elements
}

function pathOf(open: readonly Element[]): string {
  return open.map(({ name }) => name).join(' ')
}

function resolve(text: string): string {
  const bare = text.replace(REFERENCE, '')
  if (bare.includes('&')) throw new Error(`A "&" that begins no reference: ${text.slice(0, 80)}`)
  return text.replace(REFERENCE, (_, decimal?: string, hex?: string, name?: string) => {
    if (name !== undefined) return NAMED[name] ?? ''
    return String.fromCodePoint(decimal === undefined ? parseInt(hex ?? '', 16) : Number(decimal))
  })
}
