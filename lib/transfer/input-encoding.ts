/** Recognises from a stream's first bytes what is no text. */

export type UnreadableFormat =
  'gzip' | 'zstd' | 'bzip2' | 'xz' | 'zip' | 'utf16' | 'rdb' | 'resp' | 'sqlite'

export class UnreadableInputError extends Error {
  readonly format: UnreadableFormat

  constructor(format: UnreadableFormat) {
    super(`Cannot read the input: it is ${format}`)
    this.format = format
  }
}

/** As many as the longest mark below needs. */
const HEAD_BYTES = 16
const BYTE_ORDER_MARK = '\xef\xbb\xbf'

/** Patterns of the first bytes, read as Latin-1. */
const UNREADABLE: readonly (readonly [head: RegExp, format: UnreadableFormat])[] = [
  [/^\x1f\x8b/, 'gzip'],
  [/^\x28\xb5\x2f\xfd/, 'zstd'],
  [/^BZh[1-9]/, 'bzip2'],
  [/^\xfd7zXZ\x00/, 'xz'],
  [/^PK\x03\x04/, 'zip'],
  [/^(?:\xff\xfe|\xfe\xff|[^\x00]\x00[^\x00]\x00|\x00[^\x00]\x00[^\x00])/, 'utf16'],
  [/^REDIS\d{4}/, 'rdb'],
  [/^\*\d+\r\n/, 'resp'],
  [/^SQLite format 3\x00/, 'sqlite'],
]

/**
 * The same bytes without a byte order mark. Throws an `UnreadableInputError` if they are compressed
 * or otherwise not text.
 */
export async function* readableText(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let head: Buffer | undefined = Buffer.alloc(0)
  for await (const chunk of chunks) {
    if (head === undefined) {
      yield chunk
      continue
    }
    head = Buffer.concat([head, chunk])
    // One line is enough, so that typed input is handled at once; UTF-16 shows within four bytes.
    if (head.length < HEAD_BYTES && !(head.includes(10) && head.length >= 4)) continue
    yield checkHead(head)
    head = undefined
  }
  if (head !== undefined) yield checkHead(head)
}

function checkHead(head: Buffer): Buffer {
  const text = head.toString('latin1', 0, HEAD_BYTES)
  for (const [pattern, format] of UNREADABLE) {
    if (pattern.test(text)) throw new UnreadableInputError(format)
  }
  return text.startsWith(BYTE_ORDER_MARK) ? head.subarray(3) : head
}
