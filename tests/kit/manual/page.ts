/** A page of the manual, or the README, as the tests read it: its headings, links, blocks and marked tables. */
import { globSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

export const ROOT = fileURLToPath(new URL('../../..', import.meta.url))

export type Page = {
  /** From the root: `README.md`, `lib/manual/start.md`. */
  readonly path: string
  readonly text: string
  readonly blocks: readonly Block[]
}

export type Block = {
  readonly language: string
  readonly text: string
  /** Of the fence that opens it, from 1. */
  readonly line: number
  /** The reason in `<!-- not run: reason -->` on the line before the block. */
  readonly notRun: string | undefined
  /** `<!-- server -->` on the line before: the block starts a server, which the next blocks ask. */
  readonly isServer: boolean
}

/** Reads a page of `lib/manual/` by its name (`start.md`), or `README.md`. */
export function readPage(name: string): Page {
  return readPageAt(name === 'README.md' ? name : `lib/manual/${name}`)
}

/** Reads any page by its path from the root. */
export function readPageAt(path: string): Page {
  return parsePage(path, readFileSync(`${ROOT}/${path}`, 'utf8'))
}

export function readAllPages(): Page[] {
  const paths = globSync('lib/manual/*.md', { cwd: ROOT }).toSorted()
  return ['README.md', ...paths.map((path) => path.replaceAll('\\', '/'))].map(readPageAt)
}

/** The text between `<!-- NAME -->` and `<!-- /NAME -->`; empty where there is none. */
export function markedPart({ text }: Page, name: string): string {
  return new RegExp(`^<!-- ${name} -->\n([^]*?)^<!-- /${name} -->`, 'm').exec(text)?.[1] ?? ''
}

/** The text below a heading, up to the next one of its level or above. */
export function sectionOf({ path, text }: Page, heading: string): string {
  const lines = text.split('\n')
  const from = lines.indexOf(heading)
  if (from === -1) throw new Error(`${path} has no heading ${JSON.stringify(heading)}`)
  const level = /^#+/.exec(heading)?.[0].length ?? 0
  const isEnd = new RegExp(`^#{1,${level}} `)
  const length = lines.slice(from + 1).findIndex((line) => isEnd.test(line))
  return lines.slice(from + 1, length === -1 ? undefined : from + 1 + length).join('\n')
}

/** The lines outside of code blocks, with their numbers from 1. */
export function proseOf({ text }: Page): { readonly line: string; readonly number: number }[] {
  let isCode = false
  return text.split('\n').flatMap((line, at) => {
    if (/^ *```/.test(line)) {
      isCode = !isCode
      return []
    }
    return isCode ? [] : [{ line, number: at + 1 }]
  })
}

/** The anchors of the headings, as GitHub makes them. */
export function anchorsOf(page: Page): Set<string> {
  const anchors = new Set<string>()
  for (const { line } of proseOf(page)) {
    const heading = /^#{1,6} (.*)/.exec(line)?.[1]
    if (heading === undefined) continue
    const slug = heading
      .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .toLowerCase()
      .replace(/[^\p{L}\p{N}_ -]/gu, '')
      .replaceAll(' ', '-')
    let anchor = slug
    for (let count = 1; anchors.has(anchor); count++) anchor = `${slug}-${count}`
    anchors.add(anchor)
  }
  return anchors
}

export type Link = { readonly target: string; readonly line: number }

export function linksOf(page: Page): Link[] {
  return proseOf(page).flatMap(({ line, number }) => {
    const text = line.replace(/`[^`]*`/g, 'code')
    return [...text.matchAll(/\]\(([^)]+)\)/g)].map(([, target = '']) => ({ target, line: number }))
  })
}

const NOT_RUN = /^<!-- not run: (.+) -->$/

/** Throws for a block without an end. */
export function parsePage(path: string, text: string): Page {
  const lines = text.split('\n')
  const blocks: Block[] = []
  for (let at = 0; at < lines.length; at++) {
    const language = /^```(\w*)/.exec(lines[at] ?? '')?.[1]
    if (language === undefined) continue
    const end = lines.indexOf('```', at + 1)
    if (end === -1) throw new Error(`${path}:${at + 1}: the block has no end`)
    // Prettier puts an empty line between a comment and a block.
    const before = lines[at - 1] === '' ? (lines[at - 2] ?? '') : (lines[at - 1] ?? '')
    blocks.push({
      language,
      text: lines.slice(at + 1, end).join('\n'),
      line: at + 1,
      notRun: NOT_RUN.exec(before)?.[1],
      isServer: before === '<!-- server -->',
    })
    at = end
  }
  return { path, text, blocks }
}
