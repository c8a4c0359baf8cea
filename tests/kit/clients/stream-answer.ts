/** Answers as they come on a stream of bytes. Imports nothing of the program: every test process loads it. */

export type StreamAnswer = {
  readonly status: number
  /** By name in lower case; of a repeated one the last. */
  readonly headers: ReadonlyMap<string, string>
  readonly body: Buffer
}

const STATUS_LINE = /^HTTP\/1\.1 [1-5]\d\d(?: [\t\x20-\x7e]*)?$/
const HEADER_LINE = /^([!#$%&'*+.^_`|~\w-]+):[\t ]*([\t\x20-\x7e\x80-\xff]*)$/
const HEAD_END = Buffer.from('\r\n\r\n')

/**
 * The first answer and what follows it; undefined while it is not there in full. Interim answers
 * (100) are answers of their own. Throws for bytes that are no answer. Where they are the whole of the
 * stream, a body may go to its end.
 */
export function takeAnswer(
  bytes: Buffer,
  { isWhole = false } = {},
): { readonly answer: StreamAnswer; readonly rest: Buffer } | undefined {
  const headEnd = bytes.indexOf(HEAD_END)
  if (headEnd === -1) return undefined
  const [statusLine = '', ...lines] = bytes.toString('latin1', 0, headEnd).split('\r\n')
  if (!STATUS_LINE.test(statusLine)) throw malformed('its status line', statusLine)
  const status = Number(statusLine.slice(9, 12))
  const headers = new Map<string, string>()
  for (const line of lines) {
    const [, name, value = ''] = HEADER_LINE.exec(line) ?? []
    if (name === undefined) throw malformed('a header', line)
    headers.set(name.toLowerCase(), value)
  }
  const start = headEnd + HEAD_END.length
  const hasBody = status >= 200 && status !== 204 && status !== 304
  const left = bytes.length - start
  const tells = headers.has('content-length') || !isWhole
  const told = !hasBody ? 0 : tells ? lengthOf(headers) : left
  const length = isWhole ? Math.min(told, left) : told
  if (bytes.length < start + length) return undefined
  const body = bytes.subarray(start, start + length)
  return { answer: { status, headers, body }, rest: bytes.subarray(start + length) }
}

/** Every answer that Coatcheck gives has its length: none is chunked or runs to the end. */
function lengthOf(headers: ReadonlyMap<string, string>): number {
  const text = headers.get('content-length')
  if (text === undefined || !/^\d+$/.test(text)) throw malformed('its Content-Length', text ?? '')
  return Number(text)
}

function malformed(what: string, given: string): Error {
  return new Error(`An answer is malformed in ${what}: ${JSON.stringify(given.slice(0, 200))}`)
}
