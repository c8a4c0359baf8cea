/** Files that the program reads besides its code: from the repository, or from inside the binary. */
import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { getAsset, getAssetKeys, getRawAsset, isSea } from 'node:sea'

/** Whether this is the single binary, without a repository. */
export const isBinary = isSea()

/** The text of a file, by its path in the repository. */
export function readAsset(path: string): string {
  return isBinary ? getAsset(path, 'utf8') : readFileSync(inRepository(path), 'utf8')
}

/** The sorted paths of the files in a folder of the repository, without subfolders. */
export function listAssets(folder: string): string[] {
  const paths = isBinary
    ? getAssetKeys().filter((path) => path.startsWith(folder))
    : readdirSync(inRepository(folder)).map((name) => `${folder}${name}`)
  return paths.toSorted()
}

/** The sorted paths of the files in a folder of the repository and in all folders below it. */
export function listAssetTree(folder: string): string[] {
  if (isBinary) return listAssets(folder)
  return readdirSync(inRepository(folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name))
    .map((path) => relative(fileURLToPath(inRepository('')), path).replaceAll('\\', '/'))
    .toSorted()
}

/** Bytes of a file that only the binary has; read-only memory of the binary itself. */
export function readBinaryAsset(name: string): Uint8Array {
  return new Uint8Array(getRawAsset(name))
}

function inRepository(path: string): URL {
  return new URL(`../../${path}`, import.meta.url)
}
