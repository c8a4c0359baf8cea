/**
 * A page of Flask that reads its session and one that changes it, by `lib/clients/python/coatcheck.py` and
 * by a session interface over redis-py with a Redis that syncs each write. CPU time of both processes,
 * the application's and the store's. Linux only: it reads /proc.
 *
 * `npm run bench:python [-- --rounds N --seconds S --connections N]`
 */
import { parseArgs } from 'node:util'
import { endAllAtExit } from '../../machine/processes.ts'
import { measureFlask, renderPages } from './flask.ts'

endAllAtExit()
const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '7' },
    seconds: { type: 'string', default: '3' },
    connections: { type: 'string', default: '16' },
  },
})
const [rounds, seconds, connections] = [values.rounds, values.seconds, values.connections].map(
  (text) => Math.max(1, Math.floor(Number(text))),
)
try {
  const plan = { rounds: rounds ?? 7, seconds: seconds ?? 3, connections: connections ?? 16 }
  console.log(renderPages(await measureFlask({ ...plan, tell: (text) => console.error(text) })))
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error))
  process.exitCode = 1
}
