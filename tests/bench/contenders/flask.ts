import { fileURLToPath } from 'node:url'
import type { Contender } from './contender.ts'
import { findProgram } from '../machine/find-program.ts'
import { findFreePort, runToEnd, startProcess, waitForPort } from '../machine/processes.ts'
import { cookieApi } from '../data/session-api.ts'
import { findMissingPrograms, startRedis } from './redis.ts'

const FOLDER = fileURLToPath(new URL('../peers/', import.meta.url))
const APP = 'flask_session_app:app'
const PYTHON_PACKAGES = 'python3-flask python3-flask-session python3-redis'
const CHECK_LIMIT_MS = 10_000

/** Python does not keep what it compiled, which would lie among our files. */
const env = { PYTHONDONTWRITEBYTECODE: '1' }

export const flask: Contender = {
  name: 'flask',
  title: 'Flask-Session, Redis, gunicorn',
  keptIn: 'memory',
  api: cookieApi,
  async findMissing() {
    const programs = { 'redis-server': 'redis-server', gunicorn: `gunicorn ${PYTHON_PACKAGES}` }
    return findMissingPrograms(programs) ?? (await findMissingPackages())
  },
  async start(setting) {
    const redisPort = await startRedis(setting, 'memory')
    const port = await findFreePort()
    const command = [
      findProgram('gunicorn') ?? 'gunicorn',
      ...['--bind', `127.0.0.1:${port}`, '--chdir', FOLDER],
      // The worker that keeps connections open, as every other contender does.
      ...['--worker-class', 'gthread', '--workers', '2', '--threads', '4', '--keep-alive', '75'],
      APP,
    ]
    const options = { cores: setting.cores, env: { ...env, REDIS_PORT: String(redisPort) } }
    await waitForPort(setting.add(startProcess(command, options)), port)
    return port
  },
}

/** Which Python gunicorn runs on, and what that one has, only gunicorn knows. */
async function findMissingPackages(): Promise<string | undefined> {
  const command = [findProgram('gunicorn') ?? 'gunicorn', '--check-config', '--chdir', FOLDER, APP]
  try {
    await runToEnd(command, { env: { ...env, REDIS_PORT: '0' }, limitMs: CHECK_LIMIT_MS })
    return undefined
  } catch {
    return `it needs apt-get install ${PYTHON_PACKAGES}`
  }
}
