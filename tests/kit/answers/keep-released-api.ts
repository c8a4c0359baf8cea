// Writes the API's document to `lib/manual/openapi.json`: at a release, which it is then the API of.
import { writeFileSync } from 'node:fs'
import { renderOpenApi } from '../../../lib/http/openapi.ts'

const target = new URL('../../../lib/manual/openapi.json', import.meta.url)
writeFileSync(target, `${JSON.stringify(JSON.parse(renderOpenApi()), null, 2)}\n`)
