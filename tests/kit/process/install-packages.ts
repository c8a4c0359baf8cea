/**
 * npm packages that are no dependencies of the project: what it is compared and tried with. They are
 * installed when they are needed, from a lockfile, into a folder that git ignores.
 */
import { execFile } from 'node:child_process'
import { copyFileSync, cpSync, existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { promisify } from 'node:util'

/** For one try: an installation of these takes half a minute, and one in a while never comes to its end. */
const TRY_LIMIT_MS = 90_000
const TRIES = 2
const INSTALL_LIMIT_MS = TRIES * TRY_LIMIT_MS
const QUIET = ['--ignore-scripts', '--no-audit', '--no-fund']

const LOOK_AGAIN_MS = 200

/**
 * Copies the files of `source` to `target`, and installs what the lockfile among them says, unless it is
 * there. Returns why the packages are not there, undefined where they are.
 */
export async function installPackages(
  source: string,
  target: string,
  mayInstall = true,
): Promise<string | undefined> {
  const lockfile = join(source, 'package-lock.json')
  /** Says from which lockfile the packages are. */
  const stamp = join(target, 'node_modules', '.installed-lock.json')
  const isInstalled = () => existsSync(stamp) && readFileSync(stamp).equals(readFileSync(lockfile))
  if (!isInstalled() && !mayInstall) return 'its npm packages are not installed (--no-install)'
  cpSync(source, target, { recursive: true })
  if (isInstalled()) return undefined
  return await oneAtATime(`${target.replace(/[\\/]$/, '')}.installing`, async () => {
    if (isInstalled()) return undefined
    for (let tries = 1; ; tries++) {
      try {
        // The folder is named, or npm would take that of the `npm run` that it is part of. A registry or
        // a proxy may be set in the environment.
        await promisify(execFile)('npm', ['ci', ...QUIET, '--prefix', target], {
          cwd: target,
          timeout: TRY_LIMIT_MS,
          killSignal: 'SIGKILL',
        })
        copyFileSync(lockfile, stamp)
        return undefined
      } catch (error) {
        const [line = ''] = (error as Error).message.split('\n')
        if (tries === TRIES) return `its npm packages could not be installed (${line})`
      }
    }
  })
}

/** Two test files, each a process, may need the same packages: `lock` is a folder that one makes. */
async function oneAtATime<Result>(lock: string, work: () => Promise<Result>): Promise<Result> {
  const latest = performance.now() + INSTALL_LIMIT_MS
  for (;;) {
    try {
      mkdirSync(lock)
      break
    } catch {
      // Left by a process that was ended, it holds nobody up for ever.
      if (performance.now() > latest) break
      await wait(LOOK_AGAIN_MS)
    }
  }
  try {
    return await work()
  } finally {
    rmSync(lock, { recursive: true, force: true })
  }
}
