/**
 * Reads HTTP/1.1 responses (RFC 9112) from whatever pieces a socket delivers: strict, since a response
 * that is taken for another one would show a visitor somebody else's session, and bounded.
 */

export type Answer = {
  readonly status: number
  /** Decoded as UTF-8; empty where there is none. */
  readonly body: string
  readonly etag: string | undefined
  /** Each `Set-Cookie` as it stands in the response. */
  readonly setCookies: readonly string[]
  /** Seconds, from `Retry-After`. */
  readonly retryAfter: number | undefined
  /** Whether the server closes the connection after it: what was sent since is not done. */
  readonly closes: boolean
  /** Whether the server does the writes of the connection at the same time. */
  readonly isParallel: boolean
  /** Seconds, from `Keep-Alive`: the server closes a connection that is idle for so long. */
  readonly keepAlive: number | undefined
}

/** What is wrong with a response; its connection cannot be used any more. */
export class ProtocolFault extends Error {}

export type ResponseParser = {
  /** Throws a `ProtocolFault`. */
  push(piece: Uint8Array): void
}

export const HEAD_LIMIT_BYTES = 65_536
export const BODY_LIMIT_BYTES = 67_108_864
const CHUNK_LINE_LIMIT = 1_024
const MAX_INFORMATIONAL = 16

const HEAD_END = Buffer.from('\r\n\r\n')
const LINE_END = Buffer.from('\r\n')
const NONE: readonly string[] = []
const EMPTY = Buffer.alloc(0)

/** What the parser waits for next. */
type State = 'head' | 'body' | 'chunk line' | 'chunk' | 'chunk end' | 'trailers'

/** `take` is called for each response, while its piece is parsed. */
export function createResponseParser(take: (answer: Answer) => void): ResponseParser {
  let state: State = 'head'
  /** What has come of a head or a line that is not whole. */
  let rest: Buffer = EMPTY
  let head: Head = EMPTY_HEAD
  /** The pieces of a body that is not whole, and how many bytes they have. */
  let pieces: Buffer[] = []
  let gathered = 0
  /** Bytes that are still to come of the body or the chunk. */
  let missing = 0
  let informational = 0

  function finish(body: string): void {
    state = 'head'
    informational = 0
    const { status, etag, setCookies, retryAfter, closes, isParallel, keepAlive } = head
    take({ status, body, etag, setCookies, retryAfter, closes, isParallel, keepAlive })
  }

  function finishGathered(): void {
    const body = pieces.length === 1 ? (pieces[0] ?? EMPTY) : Buffer.concat(pieces, gathered)
    pieces = []
    gathered = 0
    finish(body.toString('utf8'))
  }

  function begin(): void {
    if (head.status < 200) {
      if (head.status === 101) throw new ProtocolFault('it switches protocols')
      if (++informational > MAX_INFORMATIONAL)
        throw new ProtocolFault('too many responses have status 1xx')
      return
    }
    if (head.isChunked) {
      state = 'chunk line'
    } else if (head.length === undefined) {
      throw new ProtocolFault('its length is not told')
    } else if (head.length > BODY_LIMIT_BYTES) {
      throw new ProtocolFault('its body is too large')
    } else if (head.length === 0) {
      finish('')
    } else {
      missing = head.length
      state = 'body'
    }
  }

  /** The end of the line that begins at `at`; -1 where it has not come, and what has is kept. */
  function findEnd(bytes: Buffer, at: number, end: Buffer, limit: number, what: string): number {
    const found = bytes.indexOf(end, at)
    if ((found === -1 ? bytes.length : found) - at > limit)
      throw new ProtocolFault(`its ${what} is too long`)
    if (found === -1) rest = Buffer.from(bytes.subarray(at))
    return found
  }

  /** Copies what there is of the missing bytes; returns where they end. */
  function gather(bytes: Buffer, at: number): number {
    const to = Math.min(bytes.length, at + missing)
    pieces.push(Buffer.from(bytes.subarray(at, to)))
    gathered += to - at
    missing -= to - at
    return to
  }

  /** Parses what comes next; returns where it ends, -1 where it is not whole. */
  function step(bytes: Buffer, at: number): number {
    switch (state) {
      case 'head': {
        const end = findEnd(bytes, at, HEAD_END, HEAD_LIMIT_BYTES, 'header')
        if (end === -1) return -1
        head = parseHead(bytes.toString('latin1', at, end + 2))
        begin()
        return end + HEAD_END.length
      }
      case 'body': {
        const end = at + missing
        // Nearly every body is whole: no copy.
        if (gathered === 0 && end <= bytes.length) {
          missing = 0
          finish(bytes.toString('utf8', at, end))
          return end
        }
        const to = gather(bytes, at)
        if (missing === 0) finishGathered()
        return to
      }
      case 'chunk line': {
        const end = findEnd(bytes, at, LINE_END, CHUNK_LINE_LIMIT, 'chunk')
        if (end === -1) return -1
        missing = parseChunkSize(bytes.toString('latin1', at, end))
        if (gathered + missing > BODY_LIMIT_BYTES) throw new ProtocolFault('its body is too large')
        state = missing === 0 ? 'trailers' : 'chunk'
        return end + LINE_END.length
      }
      case 'chunk': {
        const to = gather(bytes, at)
        if (missing === 0) state = 'chunk end'
        return to
      }
      case 'chunk end': {
        const end = findEnd(bytes, at, LINE_END, LINE_END.length, 'chunk')
        if (end > at) throw new ProtocolFault('a chunk has another length than it says')
        if (end === -1) return -1
        state = 'chunk line'
        return end + LINE_END.length
      }
      case 'trailers': {
        const end = findEnd(bytes, at, LINE_END, HEAD_LIMIT_BYTES, 'trailer')
        if (end === -1) return -1
        if (end === at) finishGathered()
        return end + LINE_END.length
      }
    }
  }

  return {
    push(piece) {
      let bytes: Buffer = Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength)
      if (rest.length > 0) {
        bytes = Buffer.concat([rest, bytes])
        rest = EMPTY
      }
      let at = 0
      while (at !== -1 && at < bytes.length) at = step(bytes, at)
    },
  }
}

type Head = Omit<Answer, 'body'> & {
  readonly length: number | undefined
  readonly isChunked: boolean
}

const EMPTY_HEAD: Head = {
  status: 0,
  length: 0,
  isChunked: false,
  etag: undefined,
  setCookies: NONE,
  retryAfter: undefined,
  closes: false,
  isParallel: false,
  keepAlive: undefined,
}

const SPACE = 32
const TAB = 9
const CR = 13

/** `text`: the status line and the fields, each with its CR LF. */
function parseHead(text: string): Head {
  const status = parseStatus(text)
  let length: number | undefined
  let isChunked = false
  let etag: string | undefined
  let setCookies: string[] | undefined
  let retryAfter: number | undefined
  let closes = text.charCodeAt(7) === 48
  let isParallel = false
  let keepAlive: number | undefined
  let at = text.indexOf('\n') + 1
  while (at < text.length) {
    const lineEnd = text.indexOf('\n', at)
    const end = lineEnd - 1
    const colon = text.indexOf(':', at)
    checkLine(text, at, colon, end)
    // By the length of its name, since a response has ten fields and four of them matter.
    switch (colon - at) {
      case 4:
        if (isNamed(text, at, 'etag')) etag = text.slice(colon + 1, end).trim()
        break
      case 10:
        if (isNamed(text, at, 'connection')) {
          closes ||= /(?:^|[,\s])close(?:$|[,\s])/i.test(text.slice(colon + 1, end))
        } else if (isNamed(text, at, 'set-cookie')) {
          setCookies ??= []
          setCookies.push(text.slice(colon + 1, end).trim())
        } else if (isNamed(text, at, 'keep-alive')) {
          const seconds = /\btimeout\s*=\s*(\d{1,6})/i.exec(text.slice(colon + 1, end))?.[1]
          if (seconds !== undefined) keepAlive = Number(seconds)
        } else if (isNamed(text, at, 'pipelining')) {
          isParallel = text.slice(colon + 1, end).trim() === 'parallel'
        }
        break
      case 11:
        if (isNamed(text, at, 'retry-after')) {
          const value = text.slice(colon + 1, end).trim()
          if (/^\d{1,9}$/.test(value)) retryAfter = Number(value)
        }
        break
      case 14:
        if (isNamed(text, at, 'content-length')) {
          const value = text.slice(colon + 1, end).trim()
          if (!/^\d{1,15}$/.test(value)) throw new ProtocolFault('its Content-Length is no number')
          if (length !== undefined) throw new ProtocolFault('it has two lengths')
          length = Number(value)
        }
        break
      case 17:
        if (isNamed(text, at, 'transfer-encoding')) {
          const value = text.slice(colon + 1, end).trim()
          if (isChunked || value.toLowerCase() !== 'chunked') {
            throw new ProtocolFault('its Transfer-Encoding is another than chunked')
          }
          isChunked = true
        }
        break
    }
    at = lineEnd + 1
  }
  if (isChunked && length !== undefined) throw new ProtocolFault('it has two lengths')
  if (status === 204 || status === 304 || status < 200) {
    // RFC 9112 section 6.3: no body, whatever the fields say.
    length = 0
    isChunked = false
  }
  const told = { etag, setCookies: setCookies ?? NONE, retryAfter, closes, isParallel, keepAlive }
  return { status, length, isChunked, ...told }
}

const STATUS_LINE = /^HTTP\/1\.[01] [1-5]\d\d(?: [^\r\n\0]*)?\r\n/

function parseStatus(text: string): number {
  if (!STATUS_LINE.test(text))
    throw new ProtocolFault('it does not begin as a response of HTTP/1.1')
  return Number(text.slice(9, 12))
}

/** Throws for a field that two readers could take for different ones (RFC 9112 sections 5.1, 5.2). */
function checkLine(text: string, at: number, colon: number, end: number): void {
  const before = text.charCodeAt(colon - 1)
  const first = text.charCodeAt(at)
  const isField = colon > at && colon < end && first !== SPACE && first !== TAB
  if (!isField || before === SPACE || before === TAB || text.charCodeAt(end) !== CR) {
    throw new ProtocolFault('a line of its header is no field')
  }
}

function isNamed(text: string, at: number, name: string): boolean {
  // Most fields differ in their first letter.
  if ((text.charCodeAt(at) | 32) !== name.charCodeAt(0)) return false
  return text.slice(at, at + name.length).toLowerCase() === name
}

const CHUNK_LINE = /^([\da-f]{1,8})[ \t]*(?:;[^\r\n\0]*)?$/i

function parseChunkSize(line: string): number {
  const size = CHUNK_LINE.exec(line)?.[1]
  if (size === undefined) throw new ProtocolFault('a chunk has no length')
  return Number.parseInt(size, 16)
}
