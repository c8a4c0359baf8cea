import { testControls } from '../kit/runner/test-controls.ts'

testControls('of events', {
  'Coatcheck’s own sessions are not told of': {
    file: 'contract/toy-store',
    breakage: { seam: 'reserved-id', by: 'return false' },
    red: 'own sessions are not told of',
    green: 'pages of any size have each event once',
  },
  'no event of Coatcheck’s own sessions is written': {
    file: 'store-sqlite/memory-store',
    breakage: { seam: 'reserved-unseen', by: '' },
    red: 'own sessions are not told of',
    green: 'pages of any size have each event once',
  },
  'no cursor stands for two events': {
    file: 'store-sqlite/memory-store',
    breakage: {
      seam: 'newest-event-stays',
      by: 'const upTo = Math.min(Math.max(old, newest - maxEvents), oldest + limit - 1)',
    },
    red: 'the newest event stays',
    green: 'pages of any size have each event once',
  },
  'who has missed events is told so': {
    file: 'store-sqlite/memory-store',
    breakage: { seam: 'events-forgotten', by: 'if (runs() !== undefined) return place.number' },
    red: 'the oldest are forgotten by their number',
    green: 'pages of any size have each event once',
  },
  'a cursor of events that were undone is none of others': {
    file: 'store-sqlite/feed.test',
    breakage: {
      seam: 'events-forgotten',
      by: 'if (isKept && place !== undefined) return place.number',
    },
    red: 'an event that a power cut has undone',
    green: 'a cursor is good after a restart',
  },
  'what is forgotten while a page is read is missed': {
    file: 'store-sqlite/feed.test',
    breakage: [
      { seam: 'bounds-before-page', before: '      if (after !== undefined) checkPlace(after)' },
      { seam: 'checked-after-page', by: '' },
    ],
    red: 'is not missing from it unnoticed',
    green: 'a cursor is good after a restart',
  },
  'who was told of an end finds the session nowhere': {
    file: 'store-sqlite/feed.test',
    breakage: { seam: 'feed-before-hot', by: '' },
    red: 'waits until no read shows the session',
    green: 'a cursor is good after a restart',
  },
  'a restore leaves no cursor that stands for another event': {
    file: 'restore-command',
    breakage: { seam: 'restored-feed', by: '' },
    red: 'restore begins the feed anew',
    green: 'restore with words that make no sense',
  },
  'streams are bounded': {
    file: 'events/event-streams.test',
    breakage: { seam: 'max-event-streams', by: 'if (maxEventStreams > 0) return undefined' },
    red: 'only so many streams are open',
    green: 'who does not prefer a stream',
  },
  'a key that is revoked reads no more': {
    file: 'events/event-streams.test',
    breakage: { seam: 'revoked-stream-ends', by: 'if (isAdmitted !== undefined) return' },
    red: 'once its key is revoked',
    green: 'who does not prefer a stream',
  },
  'nothing is read ahead of a reader': {
    file: 'events/event-streams.test',
    breakage: { seam: 'streams-pulled', by: '{ highWaterMark: 100 },' },
    red: 'takes nothing, nothing is read',
    green: 'who does not prefer a stream',
  },
  'a reader that is slow, but reads, goes on': {
    file: 'server/slow-readers',
    breakage: { seam: 'slow-but-reading', by: '' },
    red: 'one that reads all the time',
    green: 'nothing to read',
  },
})
