/** What the threads of a server have used, by themselves: what else runs on the machine does not count. */
import { readdirSync, readFileSync } from 'node:fs'

/** In milliseconds of CPU. */
export type ThreadUsage = { readonly main: number; readonly writer: number }

/** Exact for threads that sleep; for one that runs up to a tick of the kernel behind. Linux only. */
export function readThreadUsage(pid: number): ThreadUsage {
  const folder = `/proc/${pid}/task`
  const writer = readdirSync(folder).find((thread) =>
    readFileSync(`${folder}/${thread}/comm`, 'utf8').startsWith('coatcheck write'),
  )
  if (writer === undefined) throw new Error('The server has no thread of the name of its writer')
  return { main: usedMs(`${folder}/${pid}`), writer: usedMs(`${folder}/${writer}`) }
}

function usedMs(thread: string): number {
  const [nanoseconds] = readFileSync(`${thread}/schedstat`, 'utf8').split(' ')
  return Number(nanoseconds) / 1e6
}
