/** What of a stream's first bytes says that it is no text that can be read. */

/** The message says what it is, and the way out. */
export class UnreadableInputError extends Error {}

/** As many as the longest mark below needs. */
const HEAD_BYTES = 16
const BYTE_ORDER_MARK = '\xef\xbb\xbf'

const DUMP_TOOLS =
  'dump its keys as JSON, as in "redis-dump --json" or "rdb --command json dump.rdb"'

/** A pattern of the first bytes, read as Latin-1; what they are, and the way out. */
const UNREADABLE: readonly (readonly [head: RegExp, what: string, wayOut: string])[] = [
  [/^\x1f\x8b/, 'gzip', 'unpack it first, as in "gunzip -c FILE | coatcheck import"'],
  [/^\x28\xb5\x2f\xfd/, 'Zstandard', 'unpack it first, as in "zstd -dc FILE | coatcheck import"'],
  [/^BZh[1-9]/, 'bzip2', 'unpack it first, as in "bzip2 -dc FILE | coatcheck import"'],
  [/^\xfd7zXZ\x00/, 'xz', 'unpack it first, as in "xz -dc FILE | coatcheck import"'],
  [/^PK\x03\x04/, 'a zip file', 'unpack it first, as in "unzip -p FILE | coatcheck import"'],
  [
    /^(?:\xff\xfe|\xfe\xff|[^\x00]\x00[^\x00]\x00|\x00[^\x00]\x00[^\x00])/,
    'UTF-16',
    'turn it into UTF-8, as in "iconv -f UTF-16 -t UTF-8 FILE | coatcheck import"',
  ],
  [/^REDIS\d{4}/, 'an RDB file of Redis', DUMP_TOOLS],
  [/^\*\d+\r\n/, 'the protocol of Redis (RESP, an AOF)', `load it, and ${DUMP_TOOLS}`],
  [
    /^SQLite format 3\x00/,
    'an SQLite file',
    'of Coatcheck\'s own, use "coatcheck restore FILE"; of another, "sqlite3 -json FILE" and a select',
  ],
]

/**
 * The same bytes without a byte order mark. Throws an `UnreadableInputError` where they
 * are packed, or of a format that is no text.
 */
export async function* readableText(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let head: Buffer | undefined = Buffer.alloc(0)
  for await (const chunk of chunks) {
    if (head === undefined) {
      yield chunk
      continue
    }
    head = Buffer.concat([head, chunk])
    // A line is enough, so that one who types is answered; UTF-16 shows itself within four bytes.
    if (head.length < HEAD_BYTES && !(head.includes(10) && head.length >= 4)) continue
    yield checkHead(head)
    head = undefined
  }
  if (head !== undefined) yield checkHead(head)
}

function checkHead(head: Buffer): Buffer {
  const text = head.toString('latin1', 0, HEAD_BYTES)
  for (const [pattern, what, wayOut] of UNREADABLE) {
    if (pattern.test(text)) {
      throw new UnreadableInputError(`Cannot read stdin: it is ${what}; ${wayOut}`)
    }
  }
  return text.startsWith(BYTE_ORDER_MARK) ? head.subarray(3) : head
}
