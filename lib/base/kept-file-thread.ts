/** The thread of `keepFile`: it reads its file when it is asked to, and does nothing else. */
import { readFileSync } from 'node:fs'
import { parentPort, workerData } from 'node:worker_threads'
import { dropPermissions } from './permissions.ts'

dropPermissions({ except: 'fs.read' })
parentPort?.on('message', () => parentPort?.postMessage(read()))

function read(): string | undefined {
  try {
    return readFileSync(String(workerData), 'utf8')
  } catch {
    return undefined
  }
}
