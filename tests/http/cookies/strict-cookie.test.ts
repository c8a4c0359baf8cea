/** That the check which every `Set-Cookie` of the tests goes through would notice a bad one. */
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { checkSetCookie } from '../../kit/texts/strict-cookie.ts'

const test = suite('strict cookie')

const REFUSED = [
  '',
  'sid',
  '=1',
  ' sid=1',
  'sid =1',
  's id=1',
  's"id=1',
  'sid= 1',
  'sid=1 ; Path=/',
  'sid=1\t; Path=/',
  'sid=1\nb=2',
  'sid=1\x7f',
  `sid=${'x'.repeat(4_094)}; Path=/`,
  'sid=1; Max-Age=1.5',
  'sid=1; Max-Age=34560001',
  'sid=1; Expires=soon',
  'sid=1; SameSite=lax-ish',
  'sid=1; SameSite=None',
  'sid=1; Partitioned',
  '__Secure-a=1; Path=/',
  '__secure-a=1; Path=/',
  '__Host-a=1; Path=/',
  '__Host-a=1; Secure',
  '__Host-a=1; Path=/a; Secure',
  '__Host-a=1; Path=/; Domain=a.test; Secure',
  '__host-a=1; Path=/; Domain=a.test; Secure',
  '__Http-a=1; Path=/; Secure',
  '__Host-Http-a=1; Path=/; Secure',
  '__Host-Http-a=1; Path=/a; Secure; HttpOnly',
]

const TAKEN = [
  'sid=1',
  'sid=; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Path=/; HttpOnly; SameSite=Lax',
  'sid=1; Max-Age=34560000; Path=/; Domain=a.test; SameSite=Strict; Priority=High',
  'a="b c, d"=\\; Path=/a',
  'a=\xc3\xa9\xa0; Path=/%C3%A9',
  '__Secure-a=1; Path=/a; Domain=a.test; Secure',
  '__Host-Http-sid=1; Path=/; Secure; HttpOnly; SameSite=None; Partitioned',
]

for (const header of REFUSED) {
  test(`a cookie that a browser would drop or change is found: ${JSON.stringify(header).slice(0, 60)}`, () => {
    assert.throws(() => checkSetCookie(header), /^A browser would not take this cookie/)
  })
}

test('a cookie that a browser takes passes', () => {
  for (const header of TAKEN) assert.not.throws(() => checkSetCookie(header), header)
})

test('a finding shows no token', () => {
  const header = `sid=${'x'.repeat(21)}.${'y'.repeat(43)}; Partitioned`
  assert.throws(() => checkSetCookie(header), /: sid=TOKEN; Partitioned$/)
})

test.run()
