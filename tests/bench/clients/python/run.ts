/**
 * A page of Flask that reads its session and one that changes it, by `lib/clients/python/coatcheck.py` and
 * by a session interface over redis-py with a Redis that syncs each write. CPU time of both processes,
 * the application's and the store's. Linux only: it reads /proc.
 */
import { readFewOptions } from '../../few-options.ts'
import { endAllAtExit } from '../../machine/processes.ts'
import { measureFlask, renderPages } from './flask.ts'

const HELP = `Usage: npm run bench:python -- [--flag value]...

Flask with coatcheck.py beside Flask with redis-py, a page that reads its session and one that changes it.
It needs gunicorn, python3-flask, python3-redis, redis-server and wrk.

  --rounds N       in each of which both take their turn (7)
  --seconds S      of load for each in a round (3)
  --connections N  each with one request at a time (16)
`

endAllAtExit()
const plan = readFewOptions({ rounds: 7, seconds: 3, connections: 16 }, HELP)
try {
  console.log(renderPages(await measureFlask({ ...plan, tell: (text) => console.error(text) })))
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error))
  process.exitCode = 1
}
