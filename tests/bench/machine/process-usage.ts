/** What a contender uses, all its processes and threads together, as /proc tells. Linux only. */
import { readdirSync, readFileSync } from 'node:fs'

export type Usage = {
  readonly cpuUs: number
  /** A page that two processes share counts in both. */
  readonly residentBytes: number
}

/** `getconf CLK_TCK`, which is the same on every Linux that Node runs on. */
const TICK_US = 10_000

/**
 * Of these processes and all that descend from them. A child that has ended counts in its parent,
 * so that the sum never falls.
 */
export function readUsage(roots: readonly number[]): Usage {
  const stats = readStats()
  const children = Map.groupBy(stats.values(), ({ parent }) => parent)
  let cpuUs = 0
  let residentBytes = 0
  const waiting = roots.flatMap((root) => stats.get(root) ?? [])
  for (const { pid, ticks } of waiting) {
    cpuUs += ticks * TICK_US
    residentBytes += readResidentBytes(pid)
    waiting.push(...(children.get(pid) ?? []))
  }
  return { cpuUs, residentBytes }
}

/**
 * Microseconds of CPU of these processes and of all that descend from them, exactly; for processes of one
 * thread. Those that have ended are missing.
 */
export function readExactCpuUs(roots: readonly number[]): number {
  const stats = readStats()
  const children = Map.groupBy(stats.values(), ({ parent }) => parent)
  const waiting = roots.flatMap((root) => stats.get(root) ?? [])
  let ns = 0
  for (const { pid } of waiting) {
    ns += Number(readProcess(String(pid), 'schedstat')?.split(' ')[0] ?? 0)
    waiting.push(...(children.get(pid) ?? []))
  }
  return ns / 1_000
}

/** Memory that no other process has a part in; 0 where the process has ended. */
export function readOwnBytes(pid: number): number {
  const status = readProcess(String(pid), 'status') ?? ''
  return Number(/^RssAnon:\s*(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024
}

type Stat = { readonly pid: number; readonly parent: number; readonly ticks: number }

function readStats(): Map<number, Stat> {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  return new Map(
    pids.flatMap((name) => {
      const text = readProcess(name, 'stat')
      if (text === undefined) return []
      // The program's name may hold anything, brackets and spaces too: what follows it does not.
      const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
      // Fields 4 and 14 to 17 in proc_pid_stat(5): parent; own time, and that of ended children.
      const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0)
      const pid = Number(name)
      return [[pid, { pid, parent: Number(fields[1]), ticks }]]
    }),
  )
}

function readResidentBytes(pid: number): number {
  const status = readProcess(String(pid), 'status') ?? ''
  return Number(/^VmRSS:\s*(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024
}

/** Undefined where the process has ended meanwhile. */
function readProcess(pid: string, file: string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8')
  } catch {
    return undefined
  }
}
