/**
 * Seams: the places of the program that controls break. A comment `// control: NAME`, alone on its
 * line, names the statement below it, so that a control does not depend on the wording of the code.
 *
 * The statement is the line below with those that continue it: the lines that are indented deeper,
 * and the closing bracket. Of a statement that opens a block, such as `if (…) {`, it is the head.
 */
import { globSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** What becomes of the statement: another in its place, or more above or below it. */
export type ChangedSeam = {
  readonly seam: string
  readonly by?: string
  readonly before?: string
  readonly after?: string
}

export type Seam = { readonly name: string; readonly file: string }

const ROOT = new URL('../../../../', import.meta.url)
const SEAM = /^\s*\/\/ control: ([a-z0-9-]+)$/

/** Every seam of the program, `file` as `lib/service/sessions.ts`. */
export function listSeams(): Seam[] {
  const files = ['server.ts', ...globSync('lib/**/*.{ts,js}', { cwd: fileURLToPath(ROOT) })]
  return files.sort().flatMap((file) =>
    readFileSync(new URL(file, ROOT), 'utf8')
      .split('\n')
      .flatMap((line) => {
        const [, name] = SEAM.exec(line) ?? []
        return name === undefined ? [] : [{ name, file: file.replaceAll('\\', '/') }]
      }),
  )
}

/** The file that has the seam; throws unless exactly one place has it. */
export function findSeam(name: string): string {
  const files = listSeams().filter((seam) => seam.name === name)
  const [found] = files
  if (found === undefined || files.length > 1) {
    const places = files.map(({ file }) => file).join(', ')
    throw new Error(`Cannot find seam "${name}": it must be in one place, got [${places}]`)
  }
  return found.file
}

export function changeSeam(source: string, { seam, by, before, after }: ChangedSeam): string {
  const lines = source.split('\n')
  const start = lines.findIndex((line) => SEAM.exec(line)?.[1] === seam) + 1
  if (start === 0) throw new Error(`Cannot find seam "${seam}"`)
  const end = endOfStatement(lines, start)
  const changed = [before, by ?? lines.slice(start, end).join('\n'), after]
  lines.splice(start, end - start, ...changed.filter((part) => part !== undefined))
  return lines.join('\n')
}

/** The line after the statement that begins at `start`. */
function endOfStatement(lines: readonly string[], start: number): number {
  const indent = indentOf(lines[start] ?? '')
  let end = start + 1
  while (!opensBlock(lines[end - 1] ?? '') && continues(lines, start, end, indent)) end++
  return end
}

function continues(lines: readonly string[], start: number, at: number, indent: number): boolean {
  const line = lines[at]
  if (line === undefined) return false
  const backticks = lines.slice(start, at).join('').split('`').length - 1
  if (backticks % 2 === 1) return true
  // An empty line stands inside where what follows does.
  if (line.trim() === '') return indentOf(lines[at + 1] ?? '') > indent
  return indentOf(line) > indent || (indentOf(line) === indent && /^\s*[)\]}`]/.test(line))
}

/** Such as `if (…) {` and `function f() {`, but not an object or an arrow function's body. */
function opensBlock(line: string): boolean {
  return /(?:[)\]}\w>]) \{$/.test(line) && !/(?:=>|\breturn) \{$/.test(line)
}

function indentOf(line: string): number {
  return line.search(/\S|$/)
}
