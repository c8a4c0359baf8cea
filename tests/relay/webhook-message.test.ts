import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { Webhook } from 'standardwebhooks'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { messageOf, readFeedEvent, signMessage } from '../../lib/relay/webhook/message.ts'
import { readSecret } from '../../lib/relay/webhook/secret.ts'

const test = suite('webhook')

const EVENT = {
  id: '1872-aB3_x9',
  type: 'session.ended',
  at: '2026-11-28T19:32:42.092Z',
  session: 'Vp2hC4bkFbnVFY7Yz4A1v',
  sub: 'ada',
  reason: 'logout',
}

test('a secret that is no whsec_ of 24 to 64 bytes is refused, without a word of it', () => {
  for (const [secret, found] of [
    ['', 'it is empty'],
    ['hunter2-hunter2-hunter2-hunter2', 'it does not begin with whsec_'],
    [secretOf(23), 'it has 23 bytes'],
    [secretOf(65), 'it has 65 bytes'],
    ['whsec_', 'it has 0 bytes'],
    [`${secretOf(24)}?`, 'it is not in base64'],
    [`whsec_${Buffer.alloc(32, 255).toString('base64url')}`, 'it is not in base64'],
    [`${secretOf(24)}\n${secretOf(24)}`, 'it has several words or lines'],
  ] as const) {
    const refusal = refusalOf(secret)
    assert.match(refusal, `Cannot use the secret in secret.txt: it must be whsec_ and the base64`)
    assert.match(refusal, found)
    assert.match(refusal, 'openssl rand -base64 32')
    for (const part of secret.split(/_|\n/).filter((word) => word.length > 7)) {
      assert.not.match(refusal, part)
    }
  }
})

test('a secret of 24 to 64 bytes is taken, with white space around it and without padding', () => {
  for (const bytes of [24, 25, 32, 64]) {
    const secret = secretOf(bytes)
    assert.is(readSecret(`  ${secret}\r\n`, 'f').length, bytes)
    assert.is(readSecret(secret.replace(/=+$/, ''), 'f').length, bytes)
  }
})

test('an event is thin, and has the members that its type has', () => {
  const { id, body } = messageOf(EVENT)
  assert.is(id, 'evt_1872-aB3_x9')
  assert.equal(JSON.parse(body), {
    type: 'session.ended',
    timestamp: '2026-11-28T19:32:42.092Z',
    data: { session: 'Vp2hC4bkFbnVFY7Yz4A1v', sub: 'ada', reason: 'logout' },
  })
})

test('an id that would not fit into a header or into what is signed is escaped', () => {
  assert.is(messageOf({ ...EVENT, id: '1.2 3\nä' }).id, 'evt_1%2E2%203%0A%C3%A4')
})

test('what is no event of a feed is told from one', () => {
  assert.equal(readFeedEvent(EVENT), EVENT)
  for (const value of [
    null,
    [],
    'x',
    {},
    { ...EVENT, id: 1 },
    { ...EVENT, id: '' },
    { ...EVENT, at: 'yesterday' },
    { ...EVENT, type: undefined },
    { ...EVENT, id: '\ud800' },
    { ...EVENT, id: '1872-\udc00x' },
    { ...EVENT, id: '\udc00\ud800' },
  ]) {
    assert.is(readFeedEvent(value), undefined, JSON.stringify(value))
  }
  const whole = { ...EVENT, id: '1872-\ud83d\ude00' }
  assert.equal(readFeedEvent(whole), whole)
})

test('what nests too deep to be written as JSON again is no event of a feed', () => {
  for (const [open, close] of [
    ['[', ']'],
    ['{"0":', '}'],
    ['{"toJSON":', '}'],
  ] as const) {
    for (const depth of [32, 10_000]) {
      assert.is(readFeedEvent(nested(open, close, depth)), undefined, `${open} ${depth}`)
    }
    const shallow = readFeedEvent(nested(open, close, 31))
    assert.ok(shallow, open)
    assert.match(messageOf(shallow).body, open.repeat(31))
  }
})

test('of any text an event is read that can be sent, or none', () => {
  const units = fc.constantFrom('\ud800', '\udfff', '\ud83d\ude00', '.', '\0', '\x7f', '"', 'ä')
  const text = fc.array(units, { maxLength: 5 }).map((all) => all.join(''))
  fc.assert(
    fc.property(text, text, fc.jsonValue(), (id, type, more) => {
      const event = readFeedEvent({ id, type, at: EVENT.at, more })
      if (event === undefined) return assert.ok(id === '' || !id.isWellFormed())
      assert.match(messageOf(event).id, /^evt_[\w%!~*'()-]+$/)
    }),
  )
})

test('the package of Standard Webhooks verifies what is signed, and refuses what was altered', () => {
  const characters = fc.constantFrom('a', '.', '"', '\\', '\n', '\0', 'ä', '😀', '\u2028')
  const texts = fc.array(characters, { maxLength: 20 }).map((all) => all.join(''))
  fc.assert(
    fc.property(texts, texts, fc.integer({ min: 24, max: 64 }), (id, sub, bytes) => {
      fc.pre(id !== '')
      const secret = secretOf(bytes)
      const message = messageOf({ ...EVENT, id, sub })
      const headers = signMessage(message, [readSecret(secret, 'f')], Date.now())
      const receiver = new Webhook(secret)
      assert.equal(receiver.verify(message.body, headers), JSON.parse(message.body))
      for (const [body, changed] of [
        [message.body.replace('ended', 'end3d'), headers],
        [message.body, { ...headers, 'webhook-id': `${headers['webhook-id']}0` }],
        [
          message.body,
          { ...headers, 'webhook-timestamp': String(Math.floor(Date.now() / 1e3) - 9) },
        ],
      ] as const) {
        assert.throws(() => receiver.verify(body, changed), /No matching signature/)
      }
    }),
    { numRuns: 20 },
  )
})

test('while a secret is changed, a receiver verifies by either, and by no third', () => {
  const [before, after, other] = [secretOf(24), secretOf(32), secretOf(32)]
  const message = messageOf(EVENT)
  const keys = [after, before].map((secret) => readSecret(secret, 'f'))
  const headers = signMessage(message, keys, Date.now())
  assert.match(headers['webhook-signature'] ?? '', /^v1,\S{44} v1,\S{44}$/)
  for (const secret of [before, after]) new Webhook(secret).verify(message.body, headers)
  assert.throws(() => new Webhook(other).verify(message.body, headers), /No matching signature/)
})

test('an attempt has its own time, and an event the same id each time', () => {
  const key = readSecret(secretOf(24), 'f')
  const message = messageOf(EVENT)
  const [first, second] = [1_000_000, 1_305_999].map((now) => signMessage(message, [key], now))
  assert.is(first?.['webhook-id'], second?.['webhook-id'])
  assert.equal(
    [first, second].map((headers) => headers?.['webhook-timestamp']),
    ['1000', '1305'],
  )
})

test.run()

function secretOf(bytes: number): string {
  return `whsec_${randomBytes(bytes).toString('base64')}`
}

function nested(open: string, close: string, depth: number): unknown {
  const more = `${open.repeat(depth)}${open === '[' ? '' : '1'}${close.repeat(depth)}`
  return JSON.parse(JSON.stringify(EVENT).replace(/}$/, `,"more":${more}}`))
}

function refusalOf(secret: string): string {
  try {
    readSecret(secret, 'secret.txt')
    return ''
  } catch (error) {
    return String(error)
  }
}
