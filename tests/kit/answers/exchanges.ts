/** Pairs the requests of a connection with their answers, from its bytes in both directions. */
import { type StreamAnswer, takeAnswer } from '../clients/stream-answer.ts'
import type { RecordedAnswer } from './recorder.ts'

/** A connection for load repeats itself; a body of this size is a test of its size. */
const MAX_EXCHANGES = 200
const MAX_BYTES = 1_000_000

type Asked = Pick<RecordedAnswer, 'method' | 'target'>

const UNKNOWN: Asked = { method: undefined, target: undefined }
const REQUEST_LINE = /^([A-Z]+) (\S+) HTTP\/1\.[01]\r\n/
const HEAD_END = Buffer.from('\r\n\r\n')

export type ExchangeReader = {
  sent(bytes: Buffer): void
  received(bytes: Buffer): void
}

export function createExchangeReader(tell: (answer: RecordedAnswer) => void): ExchangeReader {
  let outgoing: Buffer = Buffer.alloc(0)
  let incoming: Buffer = Buffer.alloc(0)
  let exchanges = 0
  /** A connection that does not begin with a request is a server's own, or speaks something else. */
  let isClient: boolean | undefined
  let isOver = false
  /** Behind what is no request nobody can tell which answer belongs to what. */
  let isLost = false

  function nextRequest(): Asked {
    if (isLost) return UNKNOWN
    const taken = takeRequest(outgoing)
    if (taken === undefined) {
      isLost = true
      return UNKNOWN
    }
    outgoing = taken.rest
    return taken.asked
  }

  function takeAll(): void {
    while (!isOver && incoming.length > 0) {
      const before = outgoing
      const asked = nextRequest()
      const taken = takeWhole(incoming, asked.method === 'HEAD')
      if (taken === undefined) {
        // Not there in full: the request is asked for once more with the next bytes.
        outgoing = before
        return
      }
      incoming = taken.rest
      const { status, headers, body } = taken.answer
      if (status < 200) {
        outgoing = before
        continue
      }
      tell({ ...asked, status, headers: Object.fromEntries(headers), body: body.toString('utf8') })
      if (++exchanges >= MAX_EXCHANGES) isOver = true
    }
  }

  function stop(): void {
    isOver = true
    outgoing = incoming = Buffer.alloc(0)
  }

  return {
    sent(bytes) {
      if (isOver) return
      isClient ??= !bytes.toString('latin1', 0, 7).startsWith('HTTP/1.')
      if (!isClient || outgoing.length + bytes.length > MAX_BYTES) return stop()
      outgoing = Buffer.concat([outgoing, bytes])
    },
    received(bytes) {
      if (isOver) return
      if (isClient !== true || incoming.length + bytes.length > MAX_BYTES) return stop()
      incoming = Buffer.concat([incoming, bytes])
      try {
        takeAll()
      } catch {
        stop()
      }
    },
  }
}

/** As `takeAnswer`; the answer to HEAD tells a length and has no body. */
function takeWhole(
  bytes: Buffer,
  isHead: boolean,
): { readonly answer: StreamAnswer; readonly rest: Buffer } | undefined {
  if (!isHead) return takeAnswer(bytes)
  const end = bytes.indexOf(HEAD_END)
  if (end === -1) return undefined
  const rest = bytes.subarray(end + HEAD_END.length)
  const head = takeAnswer(bytes.subarray(0, end + HEAD_END.length), { isWhole: true })
  return head && { answer: head.answer, rest }
}

/** The first request, if the bytes begin with one that is whole and has a body of a known length. */
function takeRequest(bytes: Buffer): { readonly asked: Asked; readonly rest: Buffer } | undefined {
  const end = bytes.indexOf(HEAD_END)
  if (end === -1) return undefined
  const head = bytes.toString('latin1', 0, end + 2)
  const [, method, target] = REQUEST_LINE.exec(head) ?? []
  if (method === undefined || target === undefined) return undefined
  const start = end + HEAD_END.length
  const asked = { method, target }
  if (/\r\ntransfer-encoding: *chunked *\r\n/i.test(head)) {
    const last = bytes.indexOf('0\r\n\r\n', start)
    return { asked, rest: last === -1 ? Buffer.alloc(0) : bytes.subarray(last + 5) }
  }
  const length = Number(/\r\ncontent-length: *(\d+) *\r\n/i.exec(head)?.[1] ?? '0')
  return { asked, rest: bytes.subarray(start + length) }
}
