/**
 * Splits a stream into records: each JSON object, on one line or several, bare or in an array, and
 * each line of anything else. Records are bytes, so the reader can report what is not UTF-8.
 */

/** Longer records are not kept; they would hardly fit into a string. */
export const RECORD_LIMIT_BYTES = 256 * 1024 * 1024

export type InputRecord = {
  /** The line where it begins, from 1. */
  readonly line: number
  /** Undefined for a record over the limit. */
  readonly text: Buffer | undefined
  /** Whether it continues the object of the record before it. */
  readonly goesOn: boolean
}

type Options = {
  readonly limitBytes?: number
  /** A longer object is cut into pieces, each an object with some of its members. */
  readonly pieceBytes?: number
}

const LINE_END = 10
const QUOTE = 0x22
const COMMA = 0x2c
const COLON = 0x3a
const OPEN_BRACKET = 0x5b
const BACKSLASH = 0x5c
const CLOSE_BRACKET = 0x5d
const OPEN_BRACE = 0x7b
const CLOSE_BRACE = 0x7d

/** Where the splitter is: between records, in a line, in an object, or after one on its line. */
type Place = 'between' | 'line' | 'object' | 'behind'

/**
 * Skips blank lines. A broken object ends with the line that shows it, so the next one is read; an
 * array that is not closed gives a last record of one bracket.
 */
export async function* recordsOf(
  chunks: AsyncIterable<Buffer>,
  options: Options = {},
): AsyncGenerator<InputRecord> {
  const splitter = createSplitter(options)
  for await (const chunk of chunks) yield* splitter.push(chunk)
  yield* splitter.end()
}

function createSplitter({ limitBytes = RECORD_LIMIT_BYTES, pieceBytes = Infinity }: Options) {
  let place: Place = 'between'
  let isInArray = false
  let records: InputRecord[] = []
  let line = 1
  let isLineStart = true

  // The current record:
  let parts: Buffer[] = []
  let bytes = 0
  let startLine = 1
  let goesOn = false
  let closers: number[] = []
  let isInString = false
  let isEscaped = false
  let lastMark = 0

  function begin(byte: number): void {
    startLine = line
    place = byte === OPEN_BRACE || (isInArray && byte === OPEN_BRACKET) ? 'object' : 'line'
    closers = [byte === OPEN_BRACE ? CLOSE_BRACE : CLOSE_BRACKET]
    isInString = false
    isEscaped = false
    lastMark = byte
  }

  function keep(part: Buffer): void {
    bytes += part.length
    if (bytes > limitBytes) parts = []
    else if (part.length > 0) parts.push(part)
  }

  function finish(): void {
    const text = bytes > limitBytes ? undefined : trimEnd(Buffer.concat(parts))
    records.push({ line: startLine, text, goesOn })
    goesOn = false
    parts = []
    bytes = 0
    place = 'between'
  }

  /** Takes a byte within an object; false if it cannot be there. */
  function step(byte: number): boolean {
    if (isInString) {
      if (isEscaped) isEscaped = false
      else if (byte === BACKSLASH) isEscaped = true
      else if (byte === QUOTE) isInString = false
      return byte !== LINE_END
    }
    switch (byte) {
      case 9:
      case LINE_END:
      case 13:
      case 32:
        return true
      case QUOTE:
      case OPEN_BRACE:
      case OPEN_BRACKET: {
        const mayBegin =
          lastMark === COMMA ||
          lastMark === COLON ||
          lastMark === OPEN_BRACE ||
          lastMark === OPEN_BRACKET
        if (byte === QUOTE) isInString = true
        else closers.push(byte === OPEN_BRACE ? CLOSE_BRACE : CLOSE_BRACKET)
        lastMark = byte
        return mayBegin
      }
      case CLOSE_BRACE:
      case CLOSE_BRACKET:
        lastMark = byte
        return closers.pop() === byte
      default:
        lastMark = byte
        return true
    }
  }

  function push(chunk: Buffer): InputRecord[] {
    records = []
    /** Where the current record begins in this chunk. */
    let from = 0
    for (let at = 0; at < chunk.length; at++) {
      const byte = chunk[at] ?? 0
      const isBlank = byte === 32 || byte === 9 || byte === 13 || byte === LINE_END
      if (place === 'line') {
        const end = chunk.indexOf(LINE_END, at)
        at = end === -1 ? chunk.length : end
        keep(chunk.subarray(from, at))
        if (end === -1) return records
        finish()
      } else if (place === 'behind') {
        if (byte === LINE_END) {
          keep(chunk.subarray(from, at))
          finish()
        } else if (!isBlank) {
          place = 'line'
          // This byte again, as one of a line.
          at--
          continue
        }
      } else if (place === 'object') {
        if (!step(byte)) {
          if (isLineStart && !isInString) {
            keep(chunk.subarray(from, at))
            finish()
            begin(byte)
            from = at
          } else {
            place = 'line'
            at--
            continue
          }
        } else if (closers.length === 0) {
          if (isInArray) {
            keep(chunk.subarray(from, at + 1))
            finish()
          } else {
            place = 'behind'
          }
        } else if (byte === COMMA && closers.length === 1 && !isInString) {
          if (bytes + at - from > pieceBytes && closers[0] === CLOSE_BRACE) {
            keep(chunk.subarray(from, at))
            keep(Buffer.of(CLOSE_BRACE))
            finish()
            place = 'object'
            startLine = line
            goesOn = true
            parts = [Buffer.of(OPEN_BRACE)]
            from = at + 1
          }
        }
      } else if (!isBlank) {
        if (byte === OPEN_BRACKET && !isInArray) {
          isInArray = true
        } else if (byte === CLOSE_BRACKET && isInArray) {
          isInArray = false
        } else if (byte !== COMMA || !isInArray) {
          begin(byte)
          from = at
        }
      }
      if (chunk[at] === LINE_END) {
        line++
        isLineStart = true
      } else if (!isBlank) {
        isLineStart = false
      }
    }
    if (place !== 'between') keep(chunk.subarray(from))
    return records
  }

  function end(): InputRecord[] {
    records = []
    if (place !== 'between') finish()
    if (isInArray) records.push({ line, text: Buffer.of(OPEN_BRACKET), goesOn })
    return records
  }

  return { push, end }
}

/** Removes line ends at the end. */
function trimEnd(text: Buffer): Buffer {
  let end = text.length
  while (text[end - 1] === 13 || text[end - 1] === LINE_END) end--
  return text.subarray(0, end)
}
