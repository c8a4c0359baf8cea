import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Edit } from '../../../lib/json/edits.ts'
import type { PatchStep } from '../../../lib/json/json-patch.ts'
import type { ErrorFacts } from '../../../lib/base/errors.ts'
import {
  packOutcome,
  packRequest,
  unpackOutcome,
  unpackRequest,
} from '../../../lib/store-sqlite/writer/protocol.ts'
import type { WriteOutcome, WriteRequest } from '../../../lib/store-sqlite/writer/protocol.ts'
import { sessionAt } from '../../kit/store/session-at.ts'

const test = suite('messages between the threads')

const NAMED = { id: 'a-session-for-the-test', now: 2, seenAt: 1 }

const SESSION = sessionAt(7, {
  data: '{"n":12345678901234567890,"__proto__":"\\ud800 😀"}',
  claims: '{"sub":"ada"}',
  permanent: true,
  lastSeenAt: 8,
  version: 3,
  device: '{"address":"::1"}',
})

const STEPS: readonly PatchStep[] = [
  { op: 'add', path: ['data', '-'], value: '"\ud800"' },
  { op: 'remove', path: [] },
  { op: 'move', from: ['data', ''], path: ['data', '7', '~/'] },
  { op: 'copy', from: [], path: ['data'] },
  { op: 'test', path: ['permanent'], value: '1' },
  { op: 'replace', path: ['data', '1'], value: '"2"' },
]

const EDITS: readonly Edit[] = [
  { op: 'set', path: ['a', ''], value: '"\ud800"' },
  { op: 'remove', path: ['7', '~/'] },
  { op: 'enter', path: ['a', 'b', 'c'] },
  { op: 'increment', path: ['n'], value: '1' },
  { op: 'extend', path: ['__proto__'], value: '["remove", 1]' },
]

test('every request arrives as it was sent', () => {
  const requests: WriteRequest[] = [
    { kind: 'insert', seenAt: Infinity, session: SESSION },
    { kind: 'insert', seenAt: 0, session: sessionAt(1, { secretHash: null }) },
    { kind: 'change', ...NAMED, operation: { name: 'set', key: 'a', value: '"\ud800"' } },
    {
      kind: 'change',
      ...NAMED,
      operation: { name: 'set', key: 'a', value: '1', when: { excluded: '*' } },
    },
    { kind: 'change', ...NAMED, operation: { name: 'increment', key: 'a', by: '1' } },
    { kind: 'change', ...NAMED, operation: { name: 'clear' } },
    {
      kind: 'change',
      ...NAMED,
      operation: { name: 'update', data: '{}', claims: '{}', permanent: true },
    },
    {
      kind: 'change',
      ...NAMED,
      operation: { name: 'renew', renewal: { id: 'another', secretHash: 'h' } },
    },
    ...[{}, { renewal: { id: 'another', secretHash: 'h' }, when: { required: ['3'] } }].map(
      (more): WriteRequest => ({
        kind: 'change',
        ...NAMED,
        operation: { name: 'patch', steps: STEPS, mayWriteClaims: false, ...more },
      }),
    ),
    ...[{}, { permanent: true, claims: '{}', when: { excluded: ['3'] } }].map(
      (more): WriteRequest => ({
        kind: 'change',
        ...NAMED,
        operation: { name: 'update', edits: EDITS, ...more },
      }),
    ),
    { kind: 'change_outside' },
    { kind: 'end', ...NAMED, reason: 'logout', when: undefined },
    {
      kind: 'end_many',
      app: undefined,
      sub: 'ada',
      except: undefined,
      now: 2,
      reason: 'revoked',
      limit: 50,
    },
    { kind: 'touch', seen: [['a', 1]] },
    {
      kind: 'add_api_key',
      key: { hash: 'h', name: 'n', scope: 'all', createdAt: 1, revokedAt: null },
    },
    { kind: 'revoke_api_key', name: 'n', revokedAt: 1 },
    { kind: 'see_outside', made: 1 },
  ]
  for (const request of requests) {
    assert.equal(unpackRequest(structuredClone(packRequest(request))), request)
  }
})

test('every outcome arrives as it was sent', () => {
  const tombstone = { id: 'a', secretHash: null, reason: 'logout', endedAt: 1 } as const
  const facts: ErrorFacts = {}
  const outcomes: WriteOutcome[] = [
    { ok: true, answer: { inserted: true, evicted: [] } },
    { ok: true, answer: { inserted: true, evicted: ['b'] } },
    { ok: true, answer: { inserted: false, evicted: [] } },
    { ok: true, answer: { state: 'live', session: SESSION } },
    { ok: true, answer: { state: 'live', session: SESSION, value: '"\ud800"' } },
    { ok: true, answer: { state: 'live', session: SESSION, evicted: [] } },
    { ok: true, answer: { state: 'live', session: SESSION, value: '1', evicted: ['b'] } },
    { ok: true, answer: { state: 'ended', tombstone } },
    { ok: true, answer: { state: 'absent' } },
    { ok: true, answer: { ids: ['a', 'b'], more: true } },
    { ok: true, answer: undefined },
    { ok: false, refusal: { code: 'key_not_found', message: 'Cannot find it', facts } },
  ]
  for (const outcome of outcomes) {
    assert.equal(unpackOutcome(structuredClone(packOutcome(outcome))), outcome)
  }
})

test.run()
