#!/usr/bin/env node
/**
 * `coatcheck`, as `npx coatcheck` calls it in a clone, and `npm start`: the program on its pinned
 * Node, with the rights of the server. Plain JavaScript, since the Node at hand may not run TypeScript.
 */
import { fileURLToPath } from 'node:url'

const server = fileURLToPath(new URL('../../server.ts', import.meta.url))
process.argv.splice(2, 0, '--permission', server)
await import('./pinned-node.js')
