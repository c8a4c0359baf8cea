/** The thread of `keepFile`: it reads its file when it is asked to, and does nothing else. */
import { readFileSync, statSync } from 'node:fs'
import { parentPort, workerData } from 'node:worker_threads'
import { dropPermissions } from './permissions.ts'

dropPermissions({ except: 'fs.read' })
parentPort?.on('message', () => parentPort?.postMessage(read()))

function read(): string | undefined {
  try {
    const path = String(workerData)
    // A pipe would make it wait for whoever writes.
    return statSync(path).isFile() ? readFileSync(path, 'utf8') : undefined
  } catch {
    return undefined
  }
}
