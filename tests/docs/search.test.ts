/** Questions that people have, and the section that answers each: it is found first. */
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { readManual } from '../../lib/docs/pages.ts'
import { createSearch } from '../../lib/docs/search.ts'

const test = suite('search')

const search = createSearch(readManual().pages)

const QUESTIONS: Readonly<Record<string, string>> = {
  'how do I log out a user everywhere?': 'back-ends#log-out-everywhere',
  'what happens when the disk is full?': 'operating#the-disk-is-full',
  'what does 410 mean?': 'errors#over-http',
  'which flag limits sessions per user?': 'back-ends#limits-per-user',
  'how do I put it behind Caddy?': 'forward-auth#caddy',
  'nginx https': 'forward-auth#nginx-with-https',
  'how to back up?': 'operating#back-up',
  backup: 'operating#back-up',
  'restore from a backup': 'operating#restore',
  'how do I keep users logged in for 30 days?': 'lifetime#thirty-days',
  'how long does a session last?': 'lifetime',
  'run in docker': 'deploying#container',
  'systemd unit': 'deploying#systemd',
  kubernetes: 'deploying#kubernetes',
  'unix socket': 'deploying#unix-socket',
  'what is lost in a crash?': 'promises#what-does-a-crash-lose',
  'power failure': 'promises#what-does-a-crash-lose',
  'how do I rotate the API key?': 'back-ends#the-api-key',
  'flash messages': 'flash',
  'migrate from redis': 'moving-in',
  'increment a counter atomically': 'sessions#change',
  'If-Match': 'sessions#conditional-requests',
  'exit code 75': 'errors#exit-codes',
  too_many_failures: 'errors#over-http',
  '--wal-limit': 'settings#all-settings',
  'who is logged in?': 'back-ends#who-is-logged-in',
  'how many users are active?': 'back-ends#how-many-are-active',
  'how do I test that a session expires?': 'testing',
  playwright: 'testing#playwright',
  'SameSite=None': 'cookies#other-cookies-cookies',
  'trusted proxies': 'forward-auth#what-a-proxy-is-believed',
  'report a vulnerability': 'security#report-a-vulnerability',
  'list of log events': 'operating#log-events',
  'upgrade to a new version': 'operating#upgrade-and-downgrade',
  'what is a tombstone?': 'inside#glossary',
  'health check': 'commands#healthcheck',
  'express-session store': 'express#a-store-for-express-session',
  NestJS: 'express#a-store-for-express-session',
  'vite proxy': 'spa',
  'better-auth': 'client-js#better-auth',
  csrf: 'security#threats',
  'why was a user logged out?': 'dashboard#why-was-a-user-logged-out',
  'open the dashboard': 'dashboard#open-it',
  webhooks: 'webhooks',
  'dead letters': 'webhooks#dead-letters',
  'verify a webhook in python': 'webhooks#a-receiver-in-python',
  'coatcheck relay': 'commands#relay',
  'server-sent events': 'events#a-stream',
  EventSource: 'events#a-stream',
  'Last-Event-ID': 'events#go-on',
}

for (const [question, answer] of Object.entries(QUESTIONS)) {
  test(`"${question}" finds ${answer} first`, async () => {
    const hits = await search(question)
    assert.is(hits[0]?.href, `/docs/${answer}`, hits.map(({ href }) => href).join(' '))
  })
}

test('a code, a flag or a header shows the line that explains it', async () => {
  const [status] = await search('410')
  assert.match(status?.snippet ?? '', '<mark>410</mark>')
  const [flag] = await search('--wal-limit')
  assert.match(flag?.snippet ?? '', '--<mark>wal-limit</mark>')
  const ended = (await search('session_ended')).map(({ href }) => href)
  assert.ok(ended.slice(0, 3).includes('/docs/errors#over-http'), ended.join(' '))
})

test('a snippet is escaped, but for the marks', async () => {
  for (const query of [
    'script',
    'html lt gt amp quot',
    'console',
    'curl -d "{}"',
    '<b>',
    '&amp;',
  ]) {
    for (const { snippet } of await search(query)) {
      assert.not.match(snippet.replace(/<\/?mark>/g, ''), /[<>"']|&(?!#\d+;)/)
    }
  }
})

test('what is nowhere finds nothing', async () => {
  for (const query of ['', ' ', '?', '...', '\0', 'zzzzqqq', '<>', '%', '🎩']) {
    assert.equal(await search(query), [], query)
  }
})

test('hostile words cost no more than others and find no member of objects', async () => {
  for (const query of ['__proto__', 'constructor toString valueOf', 'hasOwnProperty']) {
    assert.ok((await search(query)).length <= 12, query)
  }
  const long = await search('session '.repeat(100_000))
  assert.equal(long, await search('session'))
  await search('a-'.repeat(50_000))
  await search('session.'.repeat(50_000))
})

test.run()
