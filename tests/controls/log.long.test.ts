import { testControls } from '../kit/runner/test-controls.ts'

testControls('of the log', {
  'the address in the audit trail is not the word of who has the key': {
    file: 'back-end/back-end-audit',
    breakage: {
      seam: 'sender-by-proxies',
      by: 'senderOf: (c) => addressTold(c, isPeerTrusted(c)),',
    },
    red: 'the word of a back end about its client',
    green: 'behind a proxy that is trusted',
  },
  'a line of JSON is one line for every reader': {
    file: 'log-lines',
    breakage: {
      seam: 'log-one-line',
      by: 'return JSON.stringify({ time, level, event, ...Object.fromEntries(entries) })',
    },
    red: 'a fact with line separators',
    green: 'text is aligned',
  },
  'a line of text is one line, and no fact can be taken for another': {
    file: 'log-lines',
    breakage: { seam: 'log-text-one-line', by: 'return text' },
    red: 'a fact with CR, LF',
    green: 'a group of facts',
  },
  'an event has a few lines a second': {
    file: 'base/log.test',
    breakage: { seam: 'log-rate', by: 'const LINES_PER_SECOND = 5_000' },
    red: 'an event is written five times in a second',
    green: 'a noisy event does not silence another',
  },
  'the audit trail is bounded, and what is not told is counted': {
    file: 'audit-trail',
    breakage: { seam: 'audit-rate', by: '    if (true) {' },
    red: 'a flood from everywhere',
    green: 'each of a hundred acts',
  },
  'the settings in force are told without secrets': {
    file: 'settings-in-force',
    breakage: {
      seam: 'settings-without-secrets',
      by: 'const shown = (source: Source) => source.text',
    },
    red: 'are told as they were written',
    green: 'colours are for terminals',
  },
})
