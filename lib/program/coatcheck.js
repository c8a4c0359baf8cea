#!/usr/bin/env node
/**
 * The entry of `npx coatcheck` and `npm start` in a clone: runs server.ts on the pinned Node with the
 * flags of the program. Plain JavaScript, since the Node at hand may not run TypeScript.
 */
import { fileURLToPath } from 'node:url'

const server = fileURLToPath(new URL('../../server.ts', import.meta.url))
process.argv.splice(2, 0, '--permission', server)
await import('./pinned-node.js')
