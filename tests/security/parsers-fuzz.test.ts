/**
 * Every parser that untrusted text comes to, and that no test of its own tries with any text: it takes
 * it, and then for what it is, or refuses it by name. What else it throws would be a 5xx.
 */
import { isIP } from 'node:net'
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { isApiKey } from '../../lib/session/api-key.ts'
import { createForeignReader } from '../../lib/transfer/foreign/foreign-reader.ts'
import { recordsOf } from '../../lib/transfer/input-records.ts'
import { LIMITS } from '../kit/store/limits.ts'
import { parseNewSession } from '../../lib/http/routes/new-session-body.ts'
import { parseKeyPatch, parseSessionPatch } from '../../lib/http/routes/session-body.ts'
import { applyJsonPatch, parseJsonPatch } from '../../lib/json/json-patch.ts'
import { parsePointer, renderPointer } from '../../lib/json/pointer.ts'
import { depthOf, endOfString, endOfValue, skipSpace } from '../../lib/json/scan.ts'
import { parseJson, parseObject } from '../../lib/json/json.ts'
import { checkClaims, findSub } from '../../lib/session/claims.ts'
import { parseSessionLine, renderSessionLine } from '../../lib/transfer/session-line.ts'
import {
  hashSecret,
  isToken,
  renderToken,
  secretMatches,
  splitToken,
} from '../../lib/session/token.ts'
import { anyJson, anyText, likely, likelyJson } from '../kit/texts/hostile-texts.ts'
import { unlessRefused } from '../kit/texts/unless-refused.ts'

const test = suite('parsers, with any text')

const NOW = Date.UTC(2026, 0, 1)
const RUNS = { numRuns: 1_000 }

test('scan: any text is stepped over within its bounds', () => {
  const property = fc.property(anyText, fc.nat(20), (text, start) => {
    for (const step of [endOfString, endOfValue]) {
      const end = step(text, start)
      assert.ok(
        end >= Math.min(start, text.length) && end <= Math.max(start, text.length),
        step.name,
      )
    }
    assert.ok(skipSpace(text, start) >= start)
    assert.ok(depthOf(text) >= 0 && depthOf(text, 3) <= 4)
  })
  fc.assert(property, RUNS)
})

test('parseJson: any text is the very same text, and JSON, or refused', () => {
  const property = fc.property(fc.oneof(anyText, anyJson), fc.nat(6), (text, depth) => {
    const parsed = unlessRefused(() => parseJson(text, depth, { name: 'body' }))
    if (parsed === undefined) return
    assert.is(parsed, text)
    JSON.parse(text)
  })
  fc.assert(property, RUNS)
})

test('parsePointer: any text is tokens that render as it, or a fault', () => {
  const property = fc.property(anyText, (text) => {
    const tokens = parsePointer(text)
    if ('fault' in tokens) assert.type(tokens.fault, 'string')
    else assert.is(renderPointer(tokens), text)
  })
  fc.assert(property, RUNS)
})

test('JSON Patch: any JSON is steps that can be tried, or refused', () => {
  const step = fc.dictionary(fc.constantFrom('op', 'path', 'from', 'value'), likely)
  const patches = fc.oneof(
    fc.array(step, { maxLength: 4 }).map((steps) => JSON.stringify(steps)),
    anyJson,
  )
  const property = fc.property(patches, anyJson, (patch, document) => {
    const steps = unlessRefused(() => parseJsonPatch(patch))
    if (steps === undefined) return
    const after = unlessRefused(() => applyJsonPatch(document, steps, 10_000))
    if (after !== undefined) JSON.parse(after)
  })
  fc.assert(property, RUNS)
})

test('session-body: any JSON is a patch of a key or of a session, or refused', () => {
  const property = fc.property(anyJson, (body) => {
    const keyPatch = unlessRefused(() => parseKeyPatch('key', body))
    if (keyPatch !== undefined) assert.is(parseObject(body).size, 1)
    const update = unlessRefused(() => parseSessionPatch(body, true, 64))
    for (const part of [update?.data, update?.claims]) {
      if (part !== undefined) parseObject(parseJson(part, Infinity, { name: 'part' }))
    }
  })
  fc.assert(property, RUNS)
})

test('new-session-body: any JSON is a session, or refused', () => {
  const property = fc.property(anyJson, (body) => {
    const made = unlessRefused(() => parseNewSession(body))
    if (made === undefined) return
    const { draft, device } = made
    JSON.parse(`[${draft.data},${draft.claims ?? '{}'}]`)
    assert.ok((draft.idleTimeoutMs ?? 1_000) >= 1_000 && (draft.lifetimeMs ?? 1_000) >= 1_000)
    assert.ok(device?.address === undefined || isIP(device.address) !== 0)
  })
  fc.assert(property, RUNS)
})

test('claims: any claims are taken with a sub that a header carries as it is, or refused', () => {
  const subs = fc.oneof(anyText, likely).map((sub) => JSON.stringify({ sub }))
  const property = fc.property(fc.oneof(subs, anyJson), (claims) => {
    fc.pre(claims.startsWith('{'))
    const sub = unlessRefused(() => (checkClaims(claims), findSub(claims)))
    if (sub === undefined) return
    const onTheWire = Buffer.from(sub).toString('latin1')
    assert.match(onTheWire, /^[^\x00-\x1f\x7f]+$/)
    assert.is(sub.trim(), sub)
    assert.is(Buffer.from(onTheWire, 'latin1').toString(), sub)
  })
  fc.assert(property, RUNS)
})

test('token: any text has parts that render as it if it is a token, and opens nothing by chance', () => {
  const shaped = fc.string({ unit: 'binary', minLength: 43, maxLength: 43 })
  const tokens = shaped.map((text) => `${text.slice(0, 21)}.${text}`)
  const property = fc.property(fc.oneof(anyText, tokens), (text) => {
    const token = splitToken(text)
    if (isToken(text)) assert.is(renderToken(token), text)
    assert.not(secretMatches(token.secret, hashSecret(`not ${token.secret}`)))
    assert.is(isApiKey(text), /^ck_[A-Za-z0-9_-]{21,200}$/.test(text))
  })
  fc.assert(property, RUNS)
})

test('session lines: any text is a session that reads back the same, or refused', () => {
  const property = fc.property(fc.oneof(anyText, anyJson), (line) => {
    const session = unlessRefused(() => parseSessionLine(line, NOW))
    if (session === undefined) return
    const rendered = renderSessionLine(session, true)
    assert.equal(parseSessionLine(rendered, NOW), session)
  })
  fc.assert(property, RUNS)
})

test('foreign dumps: any text is sessions that an export could hold, or refused', () => {
  const keys = fc.constantFrom(
    'sess:0123456789abcdef',
    'session:0123456789abcdef',
    'key',
    'value',
    'ttl',
  )
  const dumps = fc
    .dictionary(keys, fc.oneof(likely, likelyJson))
    .map((dump) => JSON.stringify(dump))
  const stores = fc.constantFrom('connect-redis' as const, 'flask-session' as const)
  const property = fc.property(stores, fc.oneof(dumps, anyJson, anyText), (store, line) => {
    const prefix = store === 'flask-session' ? 'session:' : 'sess:'
    const reader = createForeignReader({ store, prefix, sub: [['a']], limits: LIMITS })
    const records = line.split('\n').map((text, n) => ({
      line: n + 1,
      text: Buffer.from(text),
      goesOn: false,
    }))
    for (const { read } of [...records.flatMap((record) => reader.take(record)), ...reader.end()]) {
      const session = unlessRefused(() => read(NOW))
      if (session !== undefined) parseSessionLine(renderSessionLine(session, false), NOW)
    }
  })
  fc.assert(property, RUNS)
})

test('input records: any bytes are the same records, wherever they are cut', async () => {
  const property = fc.asyncProperty(
    fc.uint8Array({ maxLength: 60 }),
    fc.nat(8),
    async (bytes, size) => {
      const whole = Buffer.from(bytes.map((byte) => (byte < 64 ? 10 : byte)))
      const pieces = Array.from({ length: Math.ceil(whole.length / (size + 1)) }, (_, n) => {
        return whole.subarray(n * (size + 1), (n + 1) * (size + 1))
      })
      assert.equal(
        await Array.fromAsync(recordsOf(streamOf(pieces))),
        await Array.fromAsync(recordsOf(streamOf([whole]))),
      )
    },
  )
  await fc.assert(property, { numRuns: 300 })
})

async function* streamOf(pieces: readonly Buffer[]): AsyncGenerator<Buffer> {
  yield* pieces
}

test.run()
