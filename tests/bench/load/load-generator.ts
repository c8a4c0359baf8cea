/** Puts load on a server: `wrk` where it is installed, else autocannon. */
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { createAutocannon } from './autocannon.ts'
import { findProgram } from '../machine/find-program.ts'
import type { HttpRequest } from './http-request.ts'
import { PEERS_FOLDER } from '../contenders/peer-packages.ts'
import { createWrk } from './wrk.ts'

export type Load = {
  readonly port: number
  /** In the order to send them, over and over. */
  readonly requests: readonly HttpRequest[]
  readonly connections: number
  readonly seconds: number
  readonly cores: string | undefined
  /** For its own files. */
  readonly folder: string
}

export type LoadResult = {
  readonly requests: number
  readonly requestsPerSecond: number
  readonly p50Us: number
  readonly p99Us: number
  readonly p999Us: number
  /** Answers other than 2xx, sockets that failed, answers that never came: no round may have one. */
  readonly errors: number
}

export type LoadGenerator = {
  readonly name: string
  readonly run: (load: Load) => Promise<LoadResult>
}

/** Beyond the load itself: to start, to connect, to wait for the last answers. */
export const LOAD_GRACE_MS = 15_000

/** Undefined where there is neither. */
export function findLoadGenerator(): LoadGenerator | undefined {
  const wrk = findProgram('wrk')
  if (wrk !== undefined) return createWrk(wrk)
  try {
    createRequire(join(PEERS_FOLDER, 'package.json')).resolve('autocannon')
    return createAutocannon()
  } catch {
    return undefined
  }
}
