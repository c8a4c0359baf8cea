import { testControls } from '../kit/runner/test-controls.ts'

testControls('of the relay', {
  'an event that could not be sent is none': {
    file: 'webhook-message',
    breakage: { seam: 'relay-event-can-be-sent', by: '  const canBeSent = id.length > 0' },
    red: 'what is no event of a feed',
    green: 'an event is thin',
  },
  'an id of a feed has a bound': {
    file: 'relay/feed-reader',
    breakage: { seam: 'feed-id-bound', by: '  if (id === "") return' },
    red: 'an event with an id that its server never makes',
    green: 'events and places come in their order',
  },
  'an event of a feed has a bound': {
    file: 'relay/sse-parser',
    breakage: { seam: 'feed-lines-counted', by: '      size += value.length' },
    red: 'an event of ever more lines',
    green: 'a stream gives its events and places',
  },
  'a secret has 24 to 64 bytes': {
    file: 'webhook-message',
    breakage: { seam: 'webhook-secret-length', by: '  if (false) fail(`has ${key.length} bytes`)' },
    red: 'a secret that is no whsec_',
    green: 'a secret of 24 to 64 bytes is taken',
  },
  'what is signed is id, time and body': {
    file: 'webhook-message',
    breakage: { seam: 'webhook-signed-content', by: '  const signed = `${timestamp}.${body}`' },
    red: 'the package of Standard Webhooks verifies',
    green: 'an event is thin',
  },
  'retries are spread': {
    file: 'retry-schedule',
    breakage: { seam: 'webhook-jitter', by: '  const spread = 1' },
    red: 'jitter makes each wait',
    green: 'an event is tried again as Standard Webhooks recommends',
  },
  'no receiver holds the line up by one header': {
    file: 'retry-schedule',
    breakage: {
      seam: 'webhook-retry-after-bound',
      by: '  return Number.isNaN(ms) ? undefined : Math.max(0, ms)',
    },
    red: 'Retry-After is read',
    green: 'an event is tried again as Standard Webhooks recommends',
  },
  'an event is given up in time': {
    file: 'retry-schedule',
    breakage: { seam: 'webhook-given-up-in-time', by: '  return wait' },
    red: 'a wait that is asked for ends with the time to give up',
    green: 'an event is tried again as Standard Webhooks recommends',
  },
  'a receiver that wants no more gets no more': {
    file: 'relay/poster',
    breakage: { seam: 'webhook-gone', by: "  if (false) return { kind: 'gone' }" },
    red: 'a status other than 2xx',
    green: 'every 2xx is a delivery',
  },
  'an answer is read to a bound': {
    file: 'relay/poster',
    breakage: { seam: 'webhook-answer-bounded', by: "    response.on('data', () => {})" },
    red: 'of an answer at most some 64 KiB',
    green: 'every 2xx is a delivery',
  },
  'a cursor that was half written is none': {
    file: 'relay/cursor-file',
    breakage: { seam: 'cursor-sum', by: '  if (json === "" || sum === "") return undefined' },
    red: 'no byte of a slot can change',
    green: 'what was written is there',
  },
  'a write of the cursor leaves the one before': {
    file: 'relay/cursor-file',
    breakage: { seam: 'cursor-slots-in-turn', by: '      const at = 0' },
    red: 'of each write the other block',
    green: 'a new file is whole',
  },
  'the cursor passes an event when it is delivered, and not before': {
    file: 'relay/relay.test',
    breakage: {
      seam: 'relay-cursor-after-delivery',
      by: "    reach(item.cursor)\n    if (item.kind === 'event') await deliver(item.event)",
    },
    red: 'the cursor is on disk before the next one',
    green: 'a start goes on after what is on disk',
  },
  'a dead letter is on disk before the cursor passes it': {
    file: 'relay/relay.test',
    breakage: {
      seam: 'dead-letter-first',
      by: '    reach(event.id)\n    deadLetters.add({ event, at, attempts, reason })',
    },
    red: 'after the schedule an event is a dead letter',
    green: 'a start goes on after what is on disk',
  },
  'certificates are checked, whatever the environment says': {
    file: 'relay-process',
    breakage: {
      seam: 'certificates-checked',
      by: '  return isHttps ? requestHttps(all) : requestHttp(all)',
    },
    red: 'https is spoken with certificates checked',
    green: 'a server that keeps no events',
  },
})
