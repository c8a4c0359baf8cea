import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { renderRequest } from './http-request.ts'
import { LOAD_GRACE_MS, type LoadGenerator, type LoadResult } from './load-generator.ts'
import { runToEnd } from '../machine/processes.ts'

const SCRIPT = fileURLToPath(new URL('wrk.lua', import.meta.url))

export function createWrk(program: string): LoadGenerator {
  return {
    name: 'wrk',
    async run({ port, requests, connections, seconds, cores, folder }) {
      const file = join(folder, 'requests')
      writeFileSync(file, requests.map(renderRequest).join('\0'))
      const output = await runToEnd(
        // One thread, since it has one core; and one state of the script, so one order of requests.
        [program, '-t1', `-c${connections}`, `-d${seconds}s`, '--timeout', '5s'].concat([
          '-s',
          SCRIPT,
          `http://127.0.0.1:${port}`,
          '--',
          file,
        ]),
        { cores, limitMs: seconds * 1000 + LOAD_GRACE_MS },
      )
      const json = /^result (\{.*\})$/m.exec(output)?.[1]
      if (json === undefined) throw new Error(`wrk told no result: ${output.trim()}`)
      return JSON.parse(json) as LoadResult
    },
  }
}
