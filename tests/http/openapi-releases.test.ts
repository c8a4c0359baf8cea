/** The API of the last release, as `lib/manual/openapi.json` has it, still holds. */
import { readFileSync } from 'node:fs'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { renderOpenApi } from '../../lib/http/openapi.ts'
import { findBreakingChanges } from '../kit/answers/breaking-changes.ts'

const test = suite('openapi: releases')

const RELEASED = readFileSync(new URL('../../lib/manual/openapi.json', import.meta.url), 'utf8')

test('a program that was written for the last release goes on working', () => {
  assert.equal(findBreakingChanges(JSON.parse(RELEASED), JSON.parse(renderOpenApi())), [])
})

/** Each kind of change that breaks: how the document is changed, and what is said of it. */
const BREAKING: readonly (readonly [from: string, to: string, said: string])[] = [
  [
    '"/session/{key}":{"get":',
    '"/session/{key}":{"got":',
    'GET /session/{key}: the operation is gone',
  ],
  [
    '"name":"sub","in":"query",',
    '"name":"sub","in":"query","required":true,',
    'GET /sessions: query parameter sub is now required',
  ],
  [
    '"name":"limit","in":"query"',
    '"name":"size","in":"query"',
    'GET /sessions: query parameter limit is gone',
  ],
  [
    '"type":"integer","default":100',
    '"type":"string","default":100',
    'parameter limit: another type, string',
  ],
  ['"enum":["json","text"]', '"enum":["json"]', 'query parameter as: text is refused now'],
  ['"201":{', '"202":{', 'POST /sessions: answer 201 is gone'],
  ['"412":{', '"428":{', 'PUT /session: answer 412 is gone'],
  ['"too_deep"', '"too_nested"', 'PUT /session: answer 422: code too_deep is gone'],
  [
    '"operationId":"listSessions"',
    '"operationId":"list"',
    'GET /sessions: the operationId listSessions is gone',
  ],
  [
    '"headers":{"ETag":{"$ref":"#/components/headers/ETag"},"Location"',
    '"headers":{"Location"',
    'answer 201: header ETag is gone',
  ],
  [
    '"application/json-patch+json":{"schema"',
    '"application/json-patch+xml":{"schema"',
    'PATCH /session: body: type application/json-patch+json is gone',
  ],
  [
    '"ended":{"type":"integer"',
    '"ended":{"type":"string"',
    'application/json/ended: another type, string',
  ],
  ['"ended":{"type":"integer"', '"count":{"type":"integer"', 'application/json/ended: is gone'],
  [
    '"required":["ended","more"]',
    '"required":["ended"]',
    'application/json/more: may be missing now',
  ],
  [
    '"required":["value"]',
    '"required":["value","path"]',
    'body: application/json/path: is now required',
  ],
]

for (const [from, to, said] of BREAKING) {
  test(`it is noticed where ${said}`, () => {
    const text = renderOpenApi()
    assert.ok(text.includes(from), from)
    const faults = findBreakingChanges(JSON.parse(text), JSON.parse(text.replaceAll(from, to)))
    assert.ok(
      faults.some((fault) => fault.includes(said)),
      faults.join('\n'),
    )
  })
}

test('what is added breaks nobody', () => {
  const text = renderOpenApi()
  const more = text
    .replace('"paths":{', '"paths":{"/more":{"get":{"operationId":"more","responses":{}}},')
    .replace('"ended":{"type":"integer"', '"also":{"type":"string"},"ended":{"type":"integer"')
    .replace('"enum":["json","text"]', '"enum":["json","text","yaml"]')
  assert.equal(findBreakingChanges(JSON.parse(text), JSON.parse(more)), [])
})

test.run()
