/** Writes the parts that come from the code into the pages: run it by `lib/program/pinned-node.js`. */
import { writeFileSync } from 'node:fs'
import { withMarkedParts } from './marked-parts.ts'
import { readAllPages, ROOT } from './page.ts'

for (const page of readAllPages()) {
  const text = withMarkedParts(page)
  if (text !== page.text) writeFileSync(`${ROOT}/${page.path}`, text)
}
