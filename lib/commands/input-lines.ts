/** Lines of a stream of bytes; bytes still, for what is not UTF-8 is to be told. */
import type { Session } from '../session/session.ts'

/** A dump may have all its sessions in one line; what is longer would not fit a string. */
export const LINE_LIMIT_BYTES = 256 * 1024 * 1024

/** The sessions that a line holds, each to be called for: one that is wrong throws, and the next may not. */
export type ParseLine = (line: string, now: number) => readonly (() => Session)[]

const LINE_END = 10
const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf])

/** Each line without its end; undefined for one over the limit, of which nothing is kept. */
export async function* linesOf(
  input: AsyncIterable<Buffer>,
  limitBytes = LINE_LIMIT_BYTES,
): AsyncGenerator<Buffer | undefined> {
  let parts: Buffer[] = []
  let bytes = 0
  let isFirst = true

  function take(): Buffer | undefined {
    const line = bytes > limitBytes ? undefined : trimLine(Buffer.concat(parts), isFirst)
    isFirst = false
    parts = []
    bytes = 0
    return line
  }

  function add(part: Buffer): void {
    bytes += part.length
    if (bytes > limitBytes) parts = []
    else parts.push(part)
  }

  for await (const chunk of input) {
    let from = 0
    for (let end = chunk.indexOf(LINE_END); end !== -1; end = chunk.indexOf(LINE_END, from)) {
      add(chunk.subarray(from, end))
      yield take()
      from = end + 1
    }
    if (from < chunk.length) add(chunk.subarray(from))
  }
  if (bytes > 0) yield take()
}

/**
 * The same lines; where the first is a brace alone, all of them as one: that is how programs write
 * an object for people to read. Undefined where that is over the limit.
 */
export async function* joinOneObject(
  lines: AsyncIterable<Buffer | undefined>,
  limitBytes = LINE_LIMIT_BYTES,
): AsyncGenerator<Buffer | undefined> {
  let parts: Buffer[] | undefined
  let bytes = 0
  let isFirst = true
  for await (const line of lines) {
    if (isFirst && line?.toString('latin1').trim() === '{') parts = []
    isFirst = false
    if (parts === undefined) {
      yield line
    } else {
      bytes += line === undefined ? Infinity : line.length + 1
      if (line === undefined || bytes > limitBytes) parts = []
      else parts.push(line, Buffer.of(LINE_END))
    }
  }
  if (parts !== undefined) yield bytes > limitBytes ? undefined : Buffer.concat(parts)
}

function trimLine(line: Buffer, isFirst: boolean): Buffer {
  const marked = isFirst && line.subarray(0, 3).equals(BYTE_ORDER_MARK)
  return line.subarray(marked ? 3 : 0, line.at(-1) === 13 ? -1 : undefined)
}
