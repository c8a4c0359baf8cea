/**
 * Scripts for browsers, written in TypeScript. From a clone they are served as they stand, without
 * their types, and nothing is built; the binary has them built.
 */
import { stripTypeScriptTypes } from 'node:module'
import { isBinary, listAssetTree, readAsset } from './assets.ts'

/**
 * The scripts of a folder of the repository, such as `lib/tour/browser/`, by their paths in it. They
 * are modules that import each other by these paths: a page serves each under its own. To be called
 * before the permissions are dropped; a text is made when it is first asked for.
 */
export function readBrowserScripts(folder: string): ReadonlyMap<string, () => string> {
  return new Map(
    listAssetTree(folder)
      .filter((path) => path.endsWith('.ts'))
      .map((path) => {
        const text = readAsset(path)
        return [path.slice(folder.length), () => (isBinary ? text : stripTypes(text))]
      }),
  )
}

/**
 * The code without its types, each thing in its line. Without Node's word, once, that this is
 * experimental: stderr is the log's. The program's own flags switch that off, too, but who runs
 * `server.ts` by hand has none.
 */
export function stripTypes(text: string): string {
  const { emitWarning } = process
  process.emitWarning = () => undefined
  try {
    return stripTypeScriptTypes(text)
  } finally {
    process.emitWarning = emitWarning
  }
}
