/**
 * What programs trip over, sent as value, key, cookie name, cookie value, token and path to the real
 * server: each is read back byte for byte or refused with a 4xx, and nobody else's session changes.
 */
import { isUtf8 } from 'node:buffer'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import {
  brokenUtf8,
  jsonCorpus,
  naughtyStrings,
  type NaughtyText,
} from '../kit/texts/naughty-texts.ts'
import { makeFolder, type RunningServer, spawnServer } from '../kit/process/spawn-server.ts'
import { bytesOf, openRawClient, type RawClient } from '../kit/clients/raw-http.ts'
import { type StreamAnswer } from '../kit/clients/stream-answer.ts'
import { type Breakage, breakProgram } from '../torture/engine/server/breakage.ts'

const test = suite('exact or refused')

/** So many texts are on their way at a time, each for a session of its own. */
const WORKERS = 8
const KEY_LIMIT_BYTES = 4_096
/** More tell no more. */
const FAULT_LIMIT = 20

/** What sends a text in one place and reads it back; answers what was wrong, if anything was. */
type Place = (wire: RawClient, cookie: string, text: NaughtyText) => Promise<string | undefined>

/** What the server takes unless it is told otherwise. */
const HEADER_LIMIT = 16_000

const PLACES: Readonly<Record<string, Place>> = {
  'as a value': asValue,
  'as a plain string': asPlainString,
  'as a default': asDefault,
  'as a key in the path': asKey,
  'as a key in a body': asKeyInBody,
  'as the name of a cookie': asCookieName,
  'as the value of a cookie': asCookieValue,
  'as a Cookie header': asCookieHeader,
  'as a token': asToken,
  'as an API key': asApiKey,
  'as a path': asPath,
  'as raw bytes of a path': asRawPath,
}

for (const [list, texts] of Object.entries({
  'nst/JSONTestSuite': jsonCorpus(),
  'the Big List of Naughty Strings': naughtyStrings(),
  'broken UTF-8': brokenUtf8(),
})) {
  test(`${texts.length} texts of ${list} are read back exactly or refused, wherever they stand`, async () => {
    assert.ok(texts.length > 10)
    assert.equal(await withServer(undefined, (server) => findFaults(server, texts)), [])
  })
}

const BREAKAGES: Readonly<Record<string, Breakage>> = {
  'takes anything for JSON': { seam: 'json-syntax', by: '' },
  'reads values and writes them anew': {
    seam: 'value-as-given',
    by: 'return JSON.stringify(JSON.parse(text))',
  },
  'takes bytes for UTF-8 that are not': { seam: 'utf-8', by: 'if (false) {' },
}

// What is inside the binary cannot be broken.
const controls = process.env['TEST_BINARY'] === undefined ? BREAKAGES : {}
for (const [what, breakage] of Object.entries(controls)) {
  test(`a server that ${what} is noticed`, async () => {
    const texts = [...jsonCorpus(), ...brokenUtf8()]
    const faults = await withServer(breakage, (server) => findFaults(server, texts))
    assert.ok(faults.length > 0, 'nothing was noticed')
  })
}

async function withServer<T>(
  breakage: Breakage | undefined,
  use: (server: RunningServer) => Promise<T>,
): Promise<T> {
  const args = ['--data', `${makeFolder()}/sessions.db`, '--key-limit', `${KEY_LIMIT_BYTES}`]
  const { program, env } =
    breakage === undefined ? { program: undefined, env: {} } : breakProgram(breakage)
  const server = await spawnServer(args, env, [], program)
  try {
    return await use(server)
  } finally {
    server.kill('SIGKILL')
    await server.ended
  }
}

async function findFaults(server: RunningServer, texts: readonly NaughtyText[]): Promise<string[]> {
  const wire = openRawClient(server.url)
  const witness = await signIn(wire, '"untouched"')
  const before = await readSession(wire, witness)
  const faults: string[] = []
  const waiting = [...texts]

  const work = async (): Promise<void> => {
    const cookie = await signIn(wire, '1')
    for (let text = waiting.shift(); text !== undefined; text = waiting.shift()) {
      for (const [where, place] of Object.entries(PLACES)) {
        if (faults.length >= FAULT_LIMIT) return
        const fault = await place(wire, cookie, text).catch(String)
        if (fault !== undefined) faults.push(`${text.name} ${where}: ${fault}`)
      }
    }
  }
  await Promise.all(Array.from({ length: WORKERS }, work))

  const after = await readSession(wire, witness)
  if (after !== before) faults.push(`the witness changed from ${before} to ${after}`)
  if (server.stderr().includes('request_failed')) faults.push(`it logged ${server.stderr()}`)
  wire.close()
  return faults
}

async function asValue(wire: RawClient, cookie: string, text: NaughtyText) {
  const put = await wire.ask(
    bytesOf('PUT', '/session/value', { headers: [cookie], body: text.bytes }),
  )
  if (put.status !== 204) {
    return refusalOf(put) ?? (text.isJson === true ? `refused: ${put.body}` : undefined)
  }
  if (text.isJson === false) return 'taken, although it is not JSON'
  const got = await wire.ask(bytesOf('GET', '/session/value', { headers: [cookie] }))
  return differenceOf(got, asJson(text.bytes))
}

async function asPlainString(wire: RawClient, cookie: string, text: NaughtyText) {
  const target = '/session/plain?as=text'
  const put = await wire.ask(bytesOf('PUT', target, { headers: [cookie], body: text.bytes }))
  if (put.status !== 204) {
    const refused = isUtf8(text.bytes) ? `refused: ${put.body}` : undefined
    // The longest of the corpus have more bytes than a session.
    return refusalOf(put) ?? (put.status === 413 ? undefined : refused)
  }
  return differenceOf(await wire.ask(bytesOf('GET', target, { headers: [cookie] })), text.bytes)
}

async function asDefault(wire: RawClient, cookie: string, text: NaughtyText) {
  const target = `/session/absent?default=${percentEncode(text.bytes)}`
  const answer = await wire.ask(bytesOf('GET', target, { headers: [cookie] }))
  if (answer.status !== 200) return refusalOf(answer)
  return text.isJson === false
    ? 'taken, although it is not JSON'
    : differenceOf(answer, asJson(text.bytes))
}

async function asKey(wire: RawClient, cookie: string, text: NaughtyText) {
  const path = `/session/${percentEncode(text.bytes)}`
  const put = await wire.ask(bytesOf('PUT', path, { headers: [cookie], body: '1.0' }))
  if (put.status !== 204) {
    const { length } = text.bytes
    const isKey = isUtf8(text.bytes) && length > 0 && length <= KEY_LIMIT_BYTES
    return refusalOf(put) ?? (isKey ? `refused: ${put.body}` : undefined)
  }
  const got = await wire.ask(bytesOf('GET', path, { headers: [cookie] }))
  const keys = await keysOf(wire, cookie)
  const popped = await wire.ask(bytesOf('DELETE', path, { headers: [cookie] }))
  return (
    differenceOf(got, asJson('1.0')) ??
    differenceOf(popped, asJson('1.0')) ??
    (keys.includes(text.bytes.toString('utf8')) ? undefined : 'it is not among the keys')
  )
}

async function asKeyInBody(wire: RawClient, cookie: string, text: NaughtyText) {
  const body = Buffer.concat([
    Buffer.from('{"data":{'),
    isUtf8(text.bytes)
      ? Buffer.from(JSON.stringify(text.bytes.toString('utf8')))
      : Buffer.from(`"${text.bytes.toString('latin1')}"`, 'latin1'),
    Buffer.from(':1.0}}'),
  ])
  const patched = await wire.ask(bytesOf('PATCH', '/session', { headers: [cookie], body }))
  if (patched.status !== 200) return refusalOf(patched)
  const path = `/session/${percentEncode(text.bytes)}`
  const popped = await wire.ask(bytesOf('DELETE', path, { headers: [cookie] }))
  // A path has no room for the longest keys in their escapes.
  if (popped.status === 431) return undefined
  return differenceOf(popped, asJson('1.0'))
}

async function asCookieName(wire: RawClient, _cookie: string, text: NaughtyText) {
  const path = `/cookies/${percentEncode(text.bytes)}`
  const set = await wire.ask(bytesOf('PUT', path, { body: '{"value":"v"}' }))
  if (set.status !== 204) return refusalOf(set)
  const pair = pairOf(set)
  if (pair !== `${text.bytes.toString('latin1')}=v`) return `it sets ${JSON.stringify(pair)}`
  const headers = [`Cookie: ${pair}`]
  return differenceOf(await wire.ask(bytesOf('GET', path, { headers })), asJson('"v"'))
}

async function asCookieValue(wire: RawClient, _cookie: string, text: NaughtyText) {
  const value = isUtf8(text.bytes)
    ? Buffer.from(JSON.stringify(text.bytes.toString('utf8')))
    : Buffer.from(`"${text.bytes.toString('latin1')}"`, 'latin1')
  const body = Buffer.concat([Buffer.from('{"value":'), value, Buffer.from('}')])
  const set = await wire.ask(bytesOf('PUT', '/cookies/name', { body }))
  if (set.status !== 204) return refusalOf(set)
  return await readCookie(wire, pairOf(set), text.bytes)
}

/** As a program sends it that keeps to no grammar, but for the semicolon, which begins another one. */
async function asCookieHeader(wire: RawClient, _cookie: string, text: NaughtyText) {
  const value = text.bytes.toString('latin1')
  if (/^[ \t]|[ \t]$|[;\r\n]/.test(value) || !isUtf8(text.bytes)) return undefined
  return await readCookie(wire, `name=${value}`, text.bytes, '/cookies/name?raw=true')
}

async function readCookie(wire: RawClient, pair: string, value: Buffer, target = '/cookies/name') {
  const headers = [`Cookie: ${pair}`, 'Accept: text/plain']
  const answer = await wire.ask(bytesOf('GET', target, { headers }))
  return answer.status === 200 ? differenceOf(answer, value) : refusalOf(answer)
}

async function asToken(wire: RawClient, _cookie: string, text: NaughtyText) {
  for (const header of ['Cookie: sid=', 'Authorization: Bearer ']) {
    const headers = [Buffer.concat([Buffer.from(header), oneLine(text.bytes)])]
    const fault = refusalOf(await wire.ask(bytesOf('GET', '/session', { headers })))
    if (fault !== undefined) return `${header}: ${fault}`
  }
  return undefined
}

async function asApiKey(wire: RawClient, _cookie: string, text: NaughtyText) {
  const headers = [Buffer.concat([Buffer.from('Authorization: Bearer '), oneLine(text.bytes)])]
  return refusalOf(await wire.ask(bytesOf('GET', '/sessions', { headers })))
}

async function asPath(wire: RawClient, cookie: string, text: NaughtyText) {
  const path = percentEncode(text.bytes)
  // A page's own, of which nothing is read.
  const verified = await wire.ask(bytesOf('GET', `/verify/${path}`, { headers: [cookie] }))
  const expected = path.length > HEADER_LIMIT ? [401, 431] : [200]
  if (!expected.includes(verified.status)) return `GET /verify/${path}: answered ${verified.status}`
  for (const method of ['GET', 'PUT', 'DELETE', 'POST']) {
    for (const target of [`/${path}`, `/sessions/${path}`, `/healthz/${path}`]) {
      const headers = [cookie]
      const fault = refusalOf(await wire.ask(bytesOf(method, target, { headers, body: '1' })))
      if (fault !== undefined) return `${method} ${target}: ${fault}`
    }
  }
  return undefined
}

/** A blank ends the target, and what follows makes the request line malformed, or another version. */
async function asRawPath(wire: RawClient, cookie: string, text: NaughtyText) {
  const target = Buffer.concat([Buffer.from('/'), oneLine(text.bytes)])
  const answer = await wire.ask(bytesOf('GET', target, { headers: [cookie, 'Connection: close'] }))
  return refusalOf(answer)
}

/** What is wrong with a refusal, if anything is: it must be a problem with a status of 4xx. */
function refusalOf({ status, headers, body }: StreamAnswer): string | undefined {
  if (status < 400 || status >= 500) return `answered ${status}`
  const type = headers.get('content-type')
  return type === 'application/problem+json' ? undefined : `refused as ${type}: ${body}`
}

function differenceOf({ status, body }: StreamAnswer, expected: Buffer): string | undefined {
  if (status !== 200) return `to be read back, it is answered ${status}`
  return body.equals(expected) ? undefined : `it comes back as ${body.subarray(0, 100)}`
}

/** What a JSON answer has behind the value: the line feed is none of its bytes. */
function asJson(value: Buffer | string): Buffer {
  return Buffer.concat([Buffer.from(value), Buffer.from('\n')])
}

/** `name=value` as a browser would keep it. */
function pairOf(answer: StreamAnswer): string {
  return answer.headers.get('set-cookie')?.split(';', 1)[0] ?? ''
}

/** The line of the cookie that opens a new session. */
async function signIn(wire: RawClient, value: string): Promise<string> {
  return `Cookie: ${pairOf(await wire.ask(bytesOf('PUT', '/session/user', { body: value })))}`
}

async function readSession(wire: RawClient, cookie: string): Promise<string> {
  const target = '/session?touch=false'
  const { status, headers, body } = await wire.ask(bytesOf('GET', target, { headers: [cookie] }))
  return `${status} ${headers.get('etag')} ${body}`
}

async function keysOf(wire: RawClient, cookie: string): Promise<string[]> {
  const { body } = await wire.ask(bytesOf('GET', '/session', { headers: [cookie] }))
  const session: { data: object } = JSON.parse(body.toString('utf8'))
  return Object.keys(session.data)
}

/** Every byte in its escape, whatever it is. */
function percentEncode(bytes: Buffer): string {
  return bytes.toString('hex').replaceAll(/../g, '%$&')
}

/** Line ends would begin another header, or end the request. */
function oneLine(bytes: Buffer): Buffer {
  return Buffer.from(bytes.filter((byte) => byte !== 0x0d && byte !== 0x0a))
}

test.run()
