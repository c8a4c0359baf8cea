/**
 * `npm run build` makes `dist/coatcheck` for this machine's platform; `npm run build -- win-x64`
 * makes one for another platform, with a Node that npm fetches. Beside each it writes the SBOM in
 * CycloneDX.
 */
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { buildBinary } from './binary.ts'
import { ROOT } from './bundle.ts'
import { readLockfile, renderSbom } from './sbom.ts'
import { hostName, targetFor } from './target.ts'

const names = process.argv.slice(2)
for (const name of names.length > 0 ? names : [hostName]) {
  const target = targetFor(name)
  const isHost = names.length === 0
  const file = join('dist', isHost ? 'coatcheck' : target.file)
  await buildBinary(target, join(ROOT, file))
  const megabytes = (statSync(join(ROOT, file)).size / 1e6).toFixed(1)
  process.stdout.write(`${file}: ${megabytes} MB, for ${name}\n`)
  const sbom = renderSbom(target, readLockfile(), readFileSync(join(ROOT, file)))
  writeFileSync(join(ROOT, `${file}.cdx.json`), `${JSON.stringify(sbom, null, 2)}\n`)
  process.stdout.write(`${file}.cdx.json: ${sbom.components.length} parts\n`)
}
