/** The pages of the manual as they lie in `lib/manual/`, and the files beside them. */
import { extname } from 'node:path'
import { listAssetTree, readAsset } from '../base/assets.ts'
import { GROUPS, REST, type Group } from './contents.ts'

const FOLDER = 'lib/manual/'
/** One file, which whoever writes Python fetches from the server that it is for. */
const PYTHON_CLIENT = 'lib/clients/python/coatcheck.py'

export type ManualPage = {
  /** `back-ends` of `lib/manual/back-ends.md`. */
  readonly name: string
  readonly title: string
  /** The first paragraph, as Markdown on one line. */
  readonly lead: string
  readonly source: string
}

export type Manual = {
  /** In reading order. */
  readonly pages: readonly ManualPage[]
  readonly groups: readonly Group[]
  /** Files that are no pages, by their path below `lib/manual/`; and the client for Python, by its name. */
  readonly files: ReadonlyMap<string, ManualFile>
}

export type ManualFile = { readonly type: string; readonly text: string }

const TYPES: Readonly<Record<string, string>> = {
  '.json': 'application/json',
  '.md': 'text/markdown; charset=utf-8',
  '.py': 'text/x-python; charset=utf-8',
  '.yml': 'application/yaml; charset=utf-8',
}
const OTHER_TYPE = 'text/plain; charset=utf-8'

/** Reads all of it. To be called before the permissions are dropped. */
export function readManual(): Manual {
  const paths = listAssetTree(FOLDER)
  const isPage = (path: string) => /^[^/]+\.md$/.test(path.slice(FOLDER.length))
  const found = new Map(paths.filter(isPage).map((path) => toPage(path)))
  const named = new Set(GROUPS.flatMap(({ pages }) => pages))
  const rest = [...found.keys()].filter((name) => !named.has(name))
  const groups = [...GROUPS, ...(rest.length === 0 ? [] : [{ title: REST, pages: rest }])]
  const beside = paths.filter((path) => !isPage(path))
  return {
    groups,
    pages: groups.flatMap(({ pages }) => pages).flatMap((name) => found.get(name) ?? []),
    files: new Map([
      ...beside.map((path) => [path.slice(FOLDER.length), toFile(path)] as const),
      ['coatcheck.py', toFile(PYTHON_CLIENT)],
    ]),
  }
}

function toFile(path: string): ManualFile {
  return { type: TYPES[extname(path)] ?? OTHER_TYPE, text: readAsset(path) }
}

function toPage(path: string): [string, ManualPage] {
  const name = path.slice(FOLDER.length, -'.md'.length)
  const source = readAsset(path)
  const [, title = name, lead = ''] = /^# (.+)\n+((?:.+\n)*)/.exec(source) ?? []
  return [name, { name, title, lead: lead.replaceAll('\n', ' ').trim(), source }]
}
