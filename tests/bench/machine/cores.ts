/** Which cores the server and the load generator get, so that neither takes the other's time. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { findProgram } from './find-program.ts'

/** Lists as `taskset` takes them; undefined where nothing is pinned. */
export type Cores = {
  readonly server: string | undefined
  readonly load: string | undefined
}

/** The first and the last: neighbours may be two threads of one core. */
export function chooseCores(server: string | undefined, load: string | undefined): Cores {
  const allowed = readAllowedCores()
  if (allowed.length < 2 || findProgram('taskset') === undefined) {
    return { server: undefined, load: undefined }
  }
  return { server: server ?? String(allowed[0]), load: load ?? String(allowed.at(-1)) }
}

/** The command line that runs this one on these cores. */
export function pinned(cores: string | undefined, command: readonly string[]): readonly string[] {
  return cores === undefined ? command : ['taskset', '-c', cores, ...command]
}

/** Moves a process, all its threads, onto these cores; those that it starts from then on go with it. */
export function pinProcess(pid: number, cores: string | undefined): void {
  if (cores === undefined) return
  execFileSync('taskset', ['-a', '-c', '-p', cores, String(pid)], { stdio: 'pipe' })
}

function readAllowedCores(): number[] {
  const status = readFileSync('/proc/self/status', 'utf8')
  const list = /^Cpus_allowed_list:\s*(\S+)$/m.exec(status)?.[1] ?? '0'
  return list.split(',').flatMap((range) => {
    const [first = 0, last = first] = range.split('-').map(Number)
    return Array.from({ length: last - first + 1 }, (_, at) => first + at)
  })
}
