/**
 * Keeps the answers that a test process gets from Coatcheck, one of each kind, for the check at the end
 * of a run (`answers.check.ts`). It reads the bytes of every connection that the process opens: whichever
 * client a test uses, its answers count.
 */
import { Buffer } from 'node:buffer'
import { writeFileSync } from 'node:fs'
import { Socket } from 'node:net'
import { join } from 'node:path'
import { createExchangeReader } from './exchanges.ts'

/** The variable with the folder for the answers; none are kept where it is empty. */
export const ANSWERS_FOLDER = 'TEST_ANSWERS'

/** An answer and what asked for it; undefined where the bytes before it were no request. */
export type RecordedAnswer = {
  readonly method: string | undefined
  readonly target: string | undefined
  readonly status: number
  /** By name in lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

const MAX_KINDS = 5_000

const kept = new Map<string, RecordedAnswer>()
let isOn = false

export function isRecording(): boolean {
  return isOn
}

export function recordAnswer(answer: RecordedAnswer): void {
  if (!isOn || !isOurs(answer) || isOfFarFuture(answer) || kept.size >= MAX_KINDS) return
  const kind = kindOfAnswer(answer)
  if (!kept.has(kind)) kept.set(kind, answer)
}

/** Records from now on what this process is answered, and writes it to the folder when it ends. */
export function startRecorder(folder: string): void {
  isOn = true
  watchSockets()
  process.on('exit', () => {
    if (kept.size === 0) return
    const lines = kept.values().map((answer) => `${JSON.stringify(answer)}\n`)
    writeFileSync(join(folder, `${process.pid}.ndjson`), lines.toArray().join(''))
  })
}

/** The clock of a test may be beyond the year 9999, of which RFC 3339 knows nothing. */
function isOfFarFuture({ body }: RecordedAnswer): boolean {
  return /"\+\d{6}-/.test(body)
}

/** For a program that is broken on purpose: what it answers is nothing to hold the document against. */
export function stopRecorder(): void {
  isOn = false
}

/** Proxies, frameworks and the tests' own servers answer, too; every answer of Coatcheck has these headers. */
function isOurs({ headers }: RecordedAnswer): boolean {
  return (
    headers['x-content-type-options'] === 'nosniff' &&
    headers['content-security-policy']?.startsWith("default-src 'none'; ") === true &&
    headers['content-encoding'] === undefined
  )
}

/** Two answers of one kind differ in no member, type or header that the document could tell apart. */
function kindOfAnswer({ method, target, status, headers, body }: RecordedAnswer): string {
  const [path = '', query = ''] = target?.split('?', 2) ?? []
  const segments = path.split('/')
  const last = segments.at(-1) ?? ''
  const names = query.split('&').map((pair) => pair.split('=', 1)[0])
  return [
    ...[method, segments[1], segments.length, ['renew', 'clear', ''].includes(last) ? last : ':'],
    ...[names.toSorted().join(), status, Object.keys(headers).toSorted().join()],
    ...[headers['content-type'], shapeOf(body)],
  ].join(' ')
}

function shapeOf(body: string): string {
  try {
    const value: unknown = JSON.parse(body)
    if (value === null || typeof value !== 'object' || Array.isArray(value)) return typeof value
    return Object.entries(value)
      .map(([name, member]) => {
        const isWord = name === 'code' || name === 'status' || name === 'type'
        return `${name}:${isWord ? String(member) : member === null ? 'null' : typeof member}`
      })
      .join()
  } catch {
    return 'no JSON'
  }
}

type WatchedSocket = {
  readonly connecting: boolean
  push(chunk: unknown, encoding?: unknown): boolean
  _writeGeneric(isVector: boolean, data: unknown, encoding: unknown, done: unknown): void
}

/** Each byte that comes, and each that goes, passes one of these two. */
function watchSockets(): void {
  const prototype = Socket.prototype as unknown as WatchedSocket
  const { push, _writeGeneric: write } = prototype
  const readers = new WeakMap<object, ReturnType<typeof createExchangeReader>>()

  function readerOf(socket: object) {
    const known = readers.get(socket)
    if (known !== undefined) return known
    const reader = createExchangeReader(recordAnswer)
    readers.set(socket, reader)
    return reader
  }

  prototype.push = function (chunk, encoding) {
    if (chunk instanceof Uint8Array) readers.get(this)?.received(Buffer.from(chunk))
    return push.call(this, chunk, encoding)
  }
  prototype._writeGeneric = function (isVector, data, encoding, done) {
    const chunks = isVector
      ? (data as { chunk: unknown; encoding: unknown }[])
      : [{ chunk: data, encoding }]
    // A socket that is still connecting calls this once more when it is.
    if (!this.connecting)
      for (const { chunk, encoding: given } of chunks) readerOf(this).sent(bytesOf(chunk, given))
    write.call(this, isVector, data, encoding, done)
  }
}

function bytesOf(chunk: unknown, encoding: unknown): Buffer {
  if (typeof chunk === 'string') return Buffer.from(chunk, encoding as BufferEncoding)
  return chunk instanceof Uint8Array ? Buffer.from(chunk) : Buffer.alloc(0)
}
