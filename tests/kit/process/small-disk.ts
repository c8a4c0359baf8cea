import { spawnSync } from 'node:child_process'
import { skip } from '../runner/skip.ts'
import { makeFolder } from './spawn-server.ts'

export type SmallDisk = {
  readonly folder: string
  /** Makes it so large, with what is on it. */
  grow(kib: number): void
  unmount(): void
}

/** A folder on a disk of so many KiB; skips where that needs other rights. */
export function openSmallDisk(kib: number): SmallDisk {
  const folder = makeFolder()
  if (!mount(`size=${kib}k`, folder)) skip('a tmpfs cannot be mounted here')
  // A test that fails leaves it behind, with a server that holds files on it.
  const abandon = (): void => void spawnSync('umount', ['-l', folder])
  process.once('exit', abandon)
  return {
    folder,
    grow(to) {
      if (!mount(`remount,size=${to}k`, folder)) throw new Error('Cannot make the disk larger')
    },
    unmount() {
      process.off('exit', abandon)
      spawnSync('umount', [folder])
    },
  }
}

function mount(options: string, folder: string): boolean {
  return spawnSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', folder]).status === 0
}
