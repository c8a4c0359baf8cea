import { isUtf8 } from 'node:buffer'
import type { IncomingMessage } from 'node:http'
import { CoatcheckError } from '../../base/errors.ts'
import { HttpError, type Refusal } from '../answer/problem.ts'
import type { Input } from '../../json/syntax.ts'
import { type JsonText, parseJson } from '../../json/json.ts'
import type { AppContext } from '../app-env.ts'
import { createResting } from '../server/turn-taking.ts'
import { contentTypeOf, readHeader } from './request.ts'

/** The bodies of one server's requests; all of them share a budget of memory. */
export type BodyReader = {
  /**
   * The body as JSON text, whatever its `Content-Type`: people type `curl -d`, and `fetch` labels
   * every string `text/plain`.
   */
  readJson(c: AppContext, maxDepth: number): Promise<JsonText>
  /** As `readJson`; with `asText` the whole body is one string, in UTF-8. */
  readValue(c: AppContext, maxDepth: number, asText: boolean): Promise<JsonText>
  /**
   * The body parsed by `JSON.parse`, for what is no session data; undefined where there is none.
   */
  readOptionalJson(c: AppContext): Promise<unknown>
  /** The body as text, empty where there is none. */
  readText(c: AppContext): Promise<string>
}

export const JSON_PATCH = 'application/json-patch+json'

const SMALL_BODY: Input = { name: 'body', example: `-d '"ada"'` }
/** A body with session data, as messages name it. */
export const BODY: Input = { ...SMALL_BODY, depthWay: { setting: 'maxDepth' } }

/**
 * Bodies that are not session data: their largest nesting, and length, since 1 MB takes 50 ms to
 * parse.
 */
const SHALLOW = 8
const SMALL_CHARACTERS = 65_536

/** Bytes of unfinished bodies that a server keeps, or two of the largest bodies if that is more. */
// control: arrived-limit
const ARRIVED_LIMIT_BYTES = 8 * 1024 * 1024
/** Overhead of a chunk in memory, beside its bytes. */
const PIECE_BYTES = 256
/**
 * A person may type a body letter by letter; beyond this many chunks they must be larger on
 * average.
 */
const MANY_PIECES = 1_000
const FINE_PIECE_BYTES = 64

/**
 * Parsing a megabyte takes some 10 ms: longer bodies are parsed one at a time, with pauses between.
 */
const LONG_BODY_BYTES = 16 * 1024
/** A short JSON Patch may ask for a lot of work. */
const LONG_PATCH_BYTES = 1024

/** An unfinished body. */
type Arriving = { refuse(error: Refusal): void }

export function createBodyReader(limitBytes: number): BodyReader {
  const arrivedLimit = Math.max(ARRIVED_LIMIT_BYTES, 2 * limitBytes)
  /** The oldest first. */
  const arriving = new Set<Arriving>()
  let arrivedBytes = 0
  const inTurns = createResting()

  /**
   * Refuses the oldest uploads until the rest fits, so that slow uploads cannot block other writes.
   */
  function makeRoom(): void {
    for (const oldest of arriving) {
      if (arrivedBytes <= arrivedLimit) return
      oldest.refuse(tooMany())
    }
  }

  /** Reads Node's stream: the web's stream over it costs more than the rest of a write. */
  function read<T>(c: AppContext, parse: (text: string) => T): Promise<T> {
    const { incoming } = c.env
    return new Promise((resolve, reject) => {
      /** NaN for a chunked body. */
      const announced = Number(readHeader(c, 'content-length'))
      // Node holds a body to the length that it announces.
      if (announced > limitBytes) throw tooLarge(limitBytes)
      if (expectsContinue(c)) c.env.outgoing.writeContinue()
      const body = { refuse }
      let chunks: Buffer[] = []
      let length = 0
      let pieces = 0
      let isForgotten = false

      function forget(): void {
        isForgotten = true
        arriving.delete(body)
        arrivedBytes -= length + pieces * PIECE_BYTES
        chunks = []
        length = 0
        pieces = 0
      }

      function refuse(error: Refusal): void {
        chunks.forEach(release)
        reject(error)
        // control: refused-body-forgotten
        forget()
        incoming.off('data', take).resume()
      }

      function take(chunk: Buffer): void {
        chunks.push(chunk)
        // control: chunks-counted
        pieces++
        length += chunk.length
        arrivedBytes += chunk.length + PIECE_BYTES
        // control: body-limit
        if (length > limitBytes) return refuse(tooLarge(limitBytes))
        if (pieces > MANY_PIECES && length < pieces * FINE_PIECE_BYTES) {
          // Each chunk costs a call, whether it is kept or dropped.
          c.env.outgoing.shouldKeepAlive = false
          return refuse(tooFine())
        }
        // Most bodies are complete with their first chunk, and end in the same turn of the event
        // loop.
        if (length !== announced) arriving.add(body)
        if (arrivedBytes > arrivedLimit) makeRoom()
      }

      function finish(): void {
        // Refused while it waited for its turn.
        if (isForgotten) return
        try {
          resolve(parse(decode(chunks, length)))
        } catch (error) {
          reject(error)
        } finally {
          forget()
        }
      }

      incoming.on('data', take)
      incoming.on('end', () => (takesLong(c, length) ? inTurns(finish) : finish()))
      incoming.on('error', () => {
        reject(cutOff())
        forget()
      })
    })
  }

  return {
    readJson: (c, maxDepth) => read(c, (text) => parseJson(text, maxDepth, BODY)),

    readValue(c, maxDepth, asText) {
      // control: text-is-not-json
      if (!asText) return read(c, (text) => parseValue(text, maxDepth))
      requireUtf8(c)
      return read(c, (text) => JSON.stringify(text))
    },

    readOptionalJson: (c) => read(c, parseSmall),

    readText: (c) => read(c, (text) => text),
  }
}

function takesLong(c: AppContext, bytes: number): boolean {
  if (bytes <= LONG_PATCH_BYTES) return false
  return bytes > LONG_BODY_BYTES || contentTypeOf(c) === JSON_PATCH
}

function parseValue(text: string, maxDepth: number): JsonText {
  try {
    return parseJson(text, maxDepth, BODY)
  } catch (error) {
    if (!(error instanceof CoatcheckError && error.code === 'invalid_json')) throw error
    throw new CoatcheckError(
      'invalid_json',
      `${error.message}; with ?as=text the body is a string as it stands, without quotes`,
    )
  }
}

function parseSmall(text: string): unknown {
  if (text === '') return undefined
  const json = parseJson(text, SHALLOW, SMALL_BODY)
  if (json.length > SMALL_CHARACTERS) {
    throw new HttpError(
      'body_too_large',
      'Cannot read the body: its limit is 65,536 characters where it is not session data',
    )
  }
  return JSON.parse(json)
}

const CHARSET = /;\s*charset\s*=\s*"?([^\s;"]+)/i
/** ASCII is UTF-8, too. */
const UTF8 = /^(?:utf-?8|us-ascii)$/i

function requireUtf8(c: AppContext): void {
  const charset = CHARSET.exec(readHeader(c, 'content-type') ?? '')?.[1] ?? 'utf-8'
  if (UTF8.test(charset)) return
  throw new CoatcheckError(
    'invalid_utf8',
    'Cannot read the body: it must be UTF-8, its Content-Type names another charset',
  )
}

function decode(chunks: readonly Buffer[], length: number): string {
  const [first] = chunks
  const bytes = first !== undefined && chunks.length === 1 ? first : Buffer.concat(chunks, length)
  // control: utf-8
  if (!isUtf8(bytes)) {
    throw new CoatcheckError(
      'invalid_utf8',
      'Cannot read the body: it must be UTF-8, it holds bytes that are not',
    )
  }
  const text = bytes.toString('utf8')
  // Not worth its cost for a small body.
  if (chunks.length > 1) for (const chunk of [...chunks, bytes]) release(chunk)
  return text
}

/**
 * Drops the rest of a body that nobody reads: the client may not read the response before its end.
 */
export function passOver(incoming: IncomingMessage): void {
  incoming.on('data', release)
}

/**
 * Frees the memory of a chunk at once: V8 would keep up to 64 MiB of them until it collects
 * garbage.
 */
function release({ buffer, byteLength }: Buffer): void {
  // Small chunks share a buffer; one that has a buffer to itself shares it with nobody.
  const isWhole = byteLength > 0 && byteLength === buffer.byteLength
  // control: buffers-released
  if (isWhole && buffer instanceof ArrayBuffer) buffer.transfer(0)
}

const CONTINUE = /\b100-continue\b/i

/**
 * Whether the client waits for `100 Continue` before it sends the body (RFC 9110 section 10.1.1).
 */
function expectsContinue(c: AppContext): boolean {
  const expected = readHeader(c, 'expect')
  return expected !== undefined && c.env.incoming.httpVersionMinor > 0 && CONTINUE.test(expected)
}

function tooMany(): CoatcheckError {
  return new CoatcheckError(
    'overloaded',
    'Cannot read the body: too many other bodies arrived before its end; send it again',
  )
}

function tooLarge(limitBytes: number): HttpError {
  return new HttpError(
    'body_too_large',
    `Cannot read the body: its limit is ${limitBytes.toLocaleString('en-US')} bytes (--body-limit)`,
  )
}

function tooFine(): HttpError {
  return new HttpError(
    'bad_request',
    `Cannot read the body: it came in more than ${MANY_PIECES.toLocaleString('en-US')} pieces of a few ` +
      'bytes each; send it in larger pieces, or whole',
  )
}

function cutOff(): HttpError {
  return new HttpError(
    'bad_request',
    'Cannot read the body: the connection was closed before its end',
  )
}
