/** Mounts of a program's own: they are gone with its last process, whatever happens to the test. */
import { spawnSync } from 'node:child_process'
import { skip } from '../runner/skip.ts'

/**
 * The command line under which a program sees what the shell's commands have mounted, and nobody
 * else does; skips where that needs other rights.
 */
export function withMounts(commands: string): string[] {
  const inside = ['unshare', '--mount', '--propagation', 'private', 'sh', '-ec']
  const [command = '', ...args] = [...inside, 'mount -t tmpfs tmpfs /mnt']
  if (spawnSync(command, args).status !== 0) skip('nothing can be mounted here')
  return [...inside, `${commands}\nexec "$@"`, 'sh']
}

/** Runs the shell's commands among the mounts of that process; throws where they fail. */
export function runAmongMounts(pid: number, commands: string): void {
  const { status, stderr } = spawnSync(
    'nsenter',
    ['--target', String(pid), '--mount', 'sh', '-ec', commands],
    { encoding: 'utf8' },
  )
  if (status !== 0) throw new Error(`Cannot run ${commands}: ${stderr}`)
}
