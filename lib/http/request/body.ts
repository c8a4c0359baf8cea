import { isUtf8 } from 'node:buffer'
import type { IncomingMessage } from 'node:http'
import { CoatcheckError } from '../../base/errors.ts'
import { HttpError, type Refusal } from '../answer/problem.ts'
import type { Input } from '../../json/syntax.ts'
import { type JsonText, parseJson } from '../../json/json.ts'
import type { AppContext } from '../app-env.ts'
import { readHeader } from './request-header.ts'
import { createResting } from '../server/turn-taking.ts'

const CONTINUE = /\b100-continue\b/i

export const JSON_PATCH = 'application/json-patch+json'
const CHARSET = /;\s*charset\s*=\s*"?([^\s;"]+)/i
/** ASCII is UTF-8, too. */
const UTF8 = /^(?:utf-?8|us-ascii)$/i

const SMALL_BODY: Input = { name: 'body', example: `-d '"ada"'` }
/** A body with session data, as messages tell of it. */
export const BODY: Input = { ...SMALL_BODY, depthWay: { setting: 'maxDepth' } }

/** Maximum nesting of bodies that are not session data. */
const SHALLOW = 8

/**
 * The body as JSON text, whatever its `Content-Type` says: people type `curl -d`, and `fetch` labels
 * every string `text/plain`.
 */
export function readJson(c: AppContext, limitBytes: number, maxDepth: number): Promise<JsonText> {
  return readBody(c, limitBytes, (text) => parseJson(text, maxDepth, BODY))
}

/** As `readJson`; where `asText`, the body is a string as it stands, and must not be of another charset. */
export function readValue(
  c: AppContext,
  limitBytes: number,
  maxDepth: number,
  asText: boolean,
): Promise<JsonText> {
  if (!asText) return readBody(c, limitBytes, (text) => parseValue(text, maxDepth))
  const charset = CHARSET.exec(readHeader(c, 'content-type') ?? '')?.[1] ?? 'utf-8'
  if (!UTF8.test(charset)) {
    throw new CoatcheckError(
      'invalid_utf8',
      'Cannot read the body: it must be UTF-8, its Content-Type tells of another charset',
    )
  }
  return readBody(c, limitBytes, (text) => JSON.stringify(text))
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

/** Larger than any body that is no session data needs to be: to make objects of a megabyte takes 50 ms. */
const SMALL_CHARACTERS = 65_536

/** The body parsed, numbers as JavaScript's; undefined where there is none. */
export function readOptionalJson(c: AppContext, limitBytes: number): Promise<unknown> {
  return readBody(c, limitBytes, (text) => {
    if (text === '') return undefined
    const json = parseJson(text, SHALLOW, SMALL_BODY)
    if (json.length > SMALL_CHARACTERS) {
      throw new HttpError(
        'body_too_large',
        'Cannot read the body: what is no session data has 65,536 characters at most',
      )
    }
    return JSON.parse(json)
  })
}

/** The body as UTF-8 text, empty where there is none. */
export function readText(c: AppContext, limitBytes: number): Promise<string> {
  return readBody(c, limitBytes, (text) => text)
}

/** Without parameters, in lower case; empty where there is none. */
export function contentTypeOf(c: AppContext): string {
  const header = readHeader(c, 'content-type') ?? ''
  const semicolon = header.indexOf(';')
  return (semicolon === -1 ? header : header.slice(0, semicolon)).trim().toLowerCase()
}

/** A body of which something has come, but not the end. */
type Arriving = { refuse(error: Refusal): void }

/** In the order in which they began to come, and how many bytes of them are kept. */
const arriving = new Set<Arriving>()
let arrivedBytes = 0

/**
 * A crowd of bodies must not take the memory of everybody. The one that began first gives way to what
 * comes: bodies that are sent slowly keep nobody from writing.
 */
const ARRIVED_LIMIT_BYTES = 8 * 1024 * 1024

/** What is kept of a piece beside its bytes. */
const PIECE_BYTES = 256
/** A person may type a body letter by letter; of more pieces than these, each has to be worth its handling. */
const MANY_PIECES = 1_000
const FINE_PIECE_BYTES = 64

/**
 * To look through a megabyte takes some 10 ms, and so may what is then done with it: such bodies are taken
 * one at a time, and others go between them.
 */
const inTurns = createResting()
const LONG_BODY_BYTES = 16 * 1024
/** A short patch may ask for much. */
const LONG_PATCH_BYTES = 1024

function takesLong(c: AppContext, bytes: number): boolean {
  if (bytes <= LONG_PATCH_BYTES) return false
  return bytes > LONG_BODY_BYTES || contentTypeOf(c) === JSON_PATCH
}

/**
 * What `parse` makes of the body's text, empty where there is none. Straight from Node: the web's
 * stream in between costs more than the rest of a write.
 */
function readBody<T>(c: AppContext, limitBytes: number, parse: (text: string) => T): Promise<T> {
  const { incoming } = c.env
  return new Promise((resolve, reject) => {
    /** NaN where it is not said, for a body in chunks. */
    const announced = Number(readHeader(c, 'content-length'))
    // Not to be read at all where it says that it is too long; Node holds it to what it says.
    if (announced > limitBytes) throw tooLarge(limitBytes)
    if (expectsContinue(c)) c.env.outgoing.writeContinue()
    const arrivedLimit = Math.max(ARRIVED_LIMIT_BYTES, 2 * limitBytes)
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
      forget()
      incoming.off('data', take).resume()
    }

    function take(chunk: Buffer): void {
      chunks.push(chunk)
      pieces++
      length += chunk.length
      arrivedBytes += chunk.length + PIECE_BYTES
      if (length > limitBytes) return refuse(tooLarge(limitBytes))
      if (pieces > MANY_PIECES && length < pieces * FINE_PIECE_BYTES) {
        // Each piece costs a call for each of its few bytes, whether they are kept or passed over.
        c.env.outgoing.shouldKeepAlive = false
        return refuse(tooFine())
      }
      // Most are whole with their first piece, and end in the same turn of the loop.
      if (length !== announced) arriving.add(body)
      for (const first of arriving) {
        if (arrivedBytes <= arrivedLimit) break
        first.refuse(tooMany())
      }
    }

    incoming.on('data', take)
    function finish(): void {
      // Another may have needed the room meanwhile.
      if (isForgotten) return
      try {
        resolve(parse(decode(chunks, length)))
      } catch (error) {
        reject(error)
      } finally {
        forget()
      }
    }

    incoming.on('end', () => (takesLong(c, length) ? inTurns(finish) : finish()))
    incoming.on('error', () => {
      reject(cutOff())
      forget()
    })
  })
}

function decode(chunks: readonly Buffer[], length: number): string {
  const [first] = chunks
  const bytes = first !== undefined && chunks.length === 1 ? first : Buffer.concat(chunks, length)
  if (!isUtf8(bytes)) {
    throw new CoatcheckError(
      'invalid_utf8',
      'Cannot read the body: it must be UTF-8, it holds bytes that are not',
    )
  }
  const text = bytes.toString('utf8')
  // Of a small body it would cost more than it is worth.
  if (chunks.length > 1) for (const chunk of [...chunks, bytes]) release(chunk)
  return text
}

/** Takes what still comes of a body that nobody reads, for the client may read no answer before its end. */
export function passOver(incoming: IncomingMessage): void {
  incoming.on('data', release)
}

/**
 * Gives the memory of a body's bytes back at once: V8 would let up to 64 MiB of them lie until it
 * collects what nobody needs any more.
 */
function release({ buffer, byteLength }: Buffer): void {
  // Small ones share a buffer; one that has a buffer to itself is nobody else's.
  const isWhole = byteLength > 0 && byteLength === buffer.byteLength
  if (isWhole && buffer instanceof ArrayBuffer) buffer.transfer(0)
}

/** Whether the client waits for word before it sends the body (RFC 9110 section 10.1.1). */
function expectsContinue(c: AppContext): boolean {
  const expected = readHeader(c, 'expect')
  return expected !== undefined && c.env.incoming.httpVersionMinor > 0 && CONTINUE.test(expected)
}

function tooMany(): CoatcheckError {
  return new CoatcheckError(
    'overloaded',
    'Cannot read the body: more of others came before its end than is kept; send it again',
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
    `Cannot read the body: it comes in more than ${MANY_PIECES.toLocaleString('en-US')} pieces of a few ` +
      'bytes each; send it in larger ones, or whole',
  )
}

function cutOff(): HttpError {
  return new HttpError(
    'bad_request',
    'Cannot read the body: the connection was closed before its end',
  )
}
