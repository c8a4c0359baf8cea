/** The files that the program needs beside its code: from the repository, or from the one binary that has them inside. */
import { readdirSync, readFileSync } from 'node:fs'
import { getAsset, getAssetKeys, getRawAsset, isSea } from 'node:sea'

/** Whether this is the binary, which has no repository beside it. */
export const isBinary = isSea()

/** A text by its path in the repository. */
export function readAsset(path: string): string {
  return isBinary ? getAsset(path, 'utf8') : readFileSync(inRepository(path), 'utf8')
}

/** The paths of the files right in a folder of the repository, by name. */
export function listAssets(folder: string): string[] {
  const paths = isBinary
    ? getAssetKeys().filter((path) => path.startsWith(folder))
    : readdirSync(inRepository(folder)).map((name) => `${folder}${name}`)
  return paths.toSorted()
}

/** Bytes that only the binary has; they are its own memory, and must not be written to. */
export function readBinaryAsset(name: string): Uint8Array {
  return new Uint8Array(getRawAsset(name))
}

function inRepository(path: string): URL {
  return new URL(`../../${path}`, import.meta.url)
}
