import { isUtf8 } from 'node:buffer'
import { CoatcheckError } from '../errors.ts'
import { type JsonText, parseJson } from '../json/text.ts'
import type { AppContext } from './app-env.ts'
import { readHeader } from './request-header.ts'

/** Deeper than any body that is no session data needs to be. */
const SHALLOW = 8

/** The body as JSON text, whatever its `Content-Type` says, because people type `curl -d`. */
export async function readJson(
  c: AppContext,
  limitBytes: number,
  maxDepth: number,
): Promise<JsonText> {
  return parseJson(await readText(c, limitBytes), maxDepth, 'body')
}

/** As `readJson`, but `text/plain` is taken as a string as it stands. */
export async function readValue(
  c: AppContext,
  limitBytes: number,
  maxDepth: number,
): Promise<JsonText> {
  const text = await readText(c, limitBytes)
  return contentTypeOf(c) === 'text/plain'
    ? JSON.stringify(text)
    : parseJson(text, maxDepth, 'body')
}

/** The body parsed, numbers as JavaScript's; undefined where there is none. */
export async function readOptionalJson(c: AppContext, limitBytes: number): Promise<unknown> {
  const text = await readText(c, limitBytes)
  return text === '' ? undefined : JSON.parse(parseJson(text, SHALLOW, 'body'))
}

/** Without parameters, in lower case; empty where there is none. */
export function contentTypeOf(c: AppContext): string {
  return (readHeader(c, 'content-type') ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? ''
}

/** The body as UTF-8 text, empty where there is none. */
export async function readText(c: AppContext, limitBytes: number): Promise<string> {
  const declared = readHeader(c, 'content-length')
  if (declared !== undefined && Number(declared) > limitBytes) throw tooLarge(limitBytes)
  // Node holds a body to the length that was declared; one of unknown length is counted as it comes.
  const bytes =
    declared === undefined
      ? await readStream(c, limitBytes)
      : Buffer.from(await c.req.raw.arrayBuffer())
  if (!isUtf8(bytes)) {
    throw new CoatcheckError(
      'invalid_utf8',
      'Cannot read the body: it must be UTF-8, it holds bytes that are not',
    )
  }
  return bytes.toString('utf8')
}

async function readStream(c: AppContext, limitBytes: number): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of c.req.raw.body ?? []) {
    length += chunk.byteLength
    if (length > limitBytes) throw tooLarge(limitBytes)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks, length)
}

function tooLarge(limitBytes: number): CoatcheckError {
  return new CoatcheckError(
    'body_too_large',
    `Cannot read the body: its limit is ${limitBytes.toLocaleString('en-US')} bytes (--body-limit)`,
  )
}
