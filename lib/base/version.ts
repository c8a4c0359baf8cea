import { readAsset } from './assets.ts'

/** Of Coatcheck, as in `0.1.0`. */
export function readVersion(): string {
  const manifest: unknown = JSON.parse(readAsset('package.json'))
  return manifest !== null && typeof manifest === 'object' && 'version' in manifest
    ? String(manifest.version)
    : 'unknown'
}
