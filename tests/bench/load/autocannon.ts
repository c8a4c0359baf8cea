import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { LOAD_GRACE_MS, type LoadGenerator, type LoadResult } from './load-generator.ts'
import { PEERS_FOLDER } from '../contenders/peer-packages.ts'
import { runToEnd } from '../machine/processes.ts'

/** Its package is among the peers', so it runs in their folder. */
export function createAutocannon(): LoadGenerator {
  return {
    name: 'autocannon',
    async run({ port, requests, connections, seconds, cores, folder }) {
      const file = join(folder, 'requests')
      writeFileSync(file, JSON.stringify({ port, requests, connections, seconds }))
      const output = await runToEnd(
        [process.execPath, join(PEERS_FOLDER, 'autocannon-load.js'), file],
        { cores, limitMs: seconds * 1000 + LOAD_GRACE_MS },
      )
      const json = /^result (\{.*\})$/m.exec(output)?.[1]
      if (json === undefined) throw new Error(`autocannon told no result: ${output.trim()}`)
      return JSON.parse(json) as LoadResult
    },
  }
}
