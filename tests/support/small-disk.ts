import { spawnSync } from 'node:child_process'
import { skip } from './skip.ts'
import { makeFolder } from './spawn-server.ts'

/** A folder on a disk of so many KiB, and the way to take it away; skips where that needs other rights. */
export function openSmallDisk(kib: number): { readonly folder: string; unmount(): void } {
  const folder = makeFolder()
  const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${kib}k`, 'tmpfs', folder])
  if (status !== 0) skip('a tmpfs cannot be mounted here')
  return { folder, unmount: () => spawnSync('umount', [folder]) }
}
