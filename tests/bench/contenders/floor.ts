import { fileURLToPath } from 'node:url'
import { type Contender, keepAliveMsOf } from './contender.ts'
import type { HttpAnswer } from '../load/http-request.ts'
import type { OperationName } from '../data/operations.ts'
import { portOf, startProcess } from '../machine/processes.ts'
import { verifyApi } from '../data/session-api.ts'
import type { ConstantAnswer } from '../floors/constant-answer.ts'

/** What every contender is compared with. */
export const honoFloor = createFloor('floor', 'floor: bare Hono', '../floors/hono.ts')

export const httpFloor = createFloor('raw-floor', 'floor: bare node:http', '../floors/node-http.ts')

function createFloor(name: string, title: string, script: string): Contender {
  return {
    name,
    title,
    api: verifyApi,
    isFloor: true,
    findMissing: () => Promise.resolve(undefined),
    async start({ cores, operation, answer, add }) {
      const path = fileURLToPath(new URL(script, import.meta.url))
      const constant = JSON.stringify(constantOf(operation, answer))
      return await portOf(add(startProcess([process.execPath, path, constant], { cores })))
    },
  }
}

/** Node adds these by itself. */
const ADDED_BY_NODE = new Set(['date', 'connection', 'keep-alive', 'content-length'])

function constantOf(operation: OperationName, answer: HttpAnswer): ConstantAnswer {
  return {
    method: operation === 'put' || operation === 'create' ? 'PUT' : 'GET',
    path: operation === 'verify' ? '/verify' : '/session/user',
    status: answer.status,
    headers: answer.headers.filter(([name]) => !ADDED_BY_NODE.has(name.toLowerCase())),
    body: answer.body,
    keepAliveTimeout: keepAliveMsOf(answer),
  }
}
