import type { CoatcheckError } from '../errors.ts'
import type { Answer } from './response-parser.ts'

/** One request on its way. */
export type Call = {
  /** All of it, as latin1: each character is a byte. */
  readonly text: string
  /** A read may be sent again, a write never. */
  readonly isRead: boolean
  /** The tick at which it is given up. */
  readonly expires: number
  /** How often it was sent in vain. */
  failures: number
  wasSent: boolean
  readonly resolve: (answer: Answer) => void
  readonly reject: (error: CoatcheckError) => void
}

/** Calls that wait for a connection, the first first. */
export type CallQueue = {
  readonly length: number
  readonly first: Call | undefined
  push(call: Call): void
  /** In front of all others, in this order. */
  unshift(calls: readonly Call[]): void
  shift(): Call | undefined
  /** Removes and returns all. */
  drain(): readonly Call[]
}

const COMPACT_AT = 1_024

export function createCallQueue(): CallQueue {
  let calls: Call[] = []
  let next = 0
  return {
    get length() {
      return calls.length - next
    },
    get first() {
      return calls[next]
    },
    push(call) {
      calls.push(call)
    },
    unshift(more) {
      calls = [...more, ...calls.slice(next)]
      next = 0
    },
    shift() {
      const call = calls[next]
      if (call === undefined) return undefined
      next++
      if (next === calls.length || next === COMPACT_AT) {
        calls = calls.slice(next)
        next = 0
      }
      return call
    },
    drain() {
      const all = calls.slice(next)
      calls = []
      next = 0
      return all
    },
  }
}
