import { testControls } from '../kit/runner/test-controls.ts'

testControls('of sessions', {
  'what changes nothing leaves the version': {
    file: 'contract/toy-store',
    breakage: { seam: 'unchanged-version', by: 'return applied' },
    red: 'an operation that leaves a session as it is leaves its version',
    green: 'an id that is used again leaves the tombstone',
  },
  'the activity of a write that changes nothing counts': {
    file: 'unchanged-sessions',
    breakage: { seam: 'unwritten-activity', by: '' },
    red: 'an operation that changes nothing writes nothing',
    green: 'what was noted for a session that ended since',
  },
  'the activity of a session near its end is written at once': {
    file: 'store-sqlite/memory-store',
    breakage: { seam: 'activity-near-end', by: '' },
    red: 'as the last activity of a short session it keeps it in the count',
    green: 'its value is answered, its precondition',
  },
  'an end is remembered for the time of its own': {
    file: 'contract/toy-store',
    breakage: { seam: 'own-keep-ended', by: 'const keptMs = isOwn ? keepEndedMs : keepEndedMs' },
    red: 'an end is remembered for its own',
    green: 'an id that is used again leaves the tombstone',
  },
  'a renewed token is remembered, whatever its session says': {
    file: 'back-end/back-end-keep-ended',
    breakage: {
      seam: 'renewed-remembered',
      by: 'return keepEndedMs === undefined ? tombstone : { ...tombstone, keepEndedMs }',
    },
    red: 'a log-in with it keeps the old token refused',
    green: 'with 0 an id may be used again at once',
  },
  'an ETag of a session that has ended is none of the next one of its id': {
    file: 'back-end/back-end-keep-ended',
    breakage: { seam: 'versions-go-on', by: 'version: 0,' },
    red: 'no ETag of an earlier session',
    green: 'with 0 an id may be used again at once',
  },
  'a PUT without claims takes none away': {
    file: 'back-end/back-end-put',
    breakage: { seam: 'put-keeps-claims', by: "claims: draft.claims ?? '{}'," },
    red: 'PUT without claims keeps them',
    green: 'PUT replaces all that a body can say',
  },
  'a log-in leaves nothing of the claims before it': {
    file: 'session/claims',
    breakage: {
      seam: 'login-replaces-claims',
      by: 'return mergePatch(session.claims, claims, work)',
    },
    red: 'leaves nothing of the claims before it',
    green: 'claims without a sub are those of nobody',
  },
  'a log-in renews, of the same user too': {
    file: 'session/claims',
    breakage: {
      seam: 'login-renews',
      by: 'const isSameUser = findSub(claims) === findSub(before.claims)',
    },
    red: 'a log-in renews whoever it is',
    green: 'claims without a sub are those of nobody',
  },
  'a lifetime from now begins with the write': {
    file: 'session/own-limits',
    breakage: { seam: 'lifetime-from-now', by: 'return lifetimeMs' },
    red: 'a lifetime from now begins with each write',
    green: 'a lifetime from its creation on',
  },
  'what another program has done to a session is seen by the next write': {
    file: 'written-sessions',
    breakage: { seam: 'others-writes-seen', by: '' },
    red: 'a session that another connection has ended',
    green: 'what a transaction has written that came to nothing',
  },
  'what a transaction has counted is counted once': {
    file: 'store-sqlite/memory-store',
    breakage: { seam: 'counts-begin', by: '' },
    red: 'what is done is counted once',
    green: 'a new store has done nothing',
  },
  'the sessions of Coatcheck itself are not counted as active': {
    file: 'store-sqlite/memory-store',
    breakage: { seam: 'own-sessions-not-active', by: "if (isReservedId('')) return" },
    red: 'the sessions of Coatcheck itself are not active',
    green: 'a log-in counts its user',
  },
  'what was written in vain is not remembered': {
    file: 'written-sessions',
    breakage: { seam: 'failed-writes-forgotten', by: '' },
    red: 'what a transaction has written that came to nothing',
    green: 'a session that another connection has ended',
  },
  'a slice lets go of the writer when somebody waits': {
    file: 'writer/slices',
    breakage: { seam: 'slice-yields', by: '' },
    red: 'a slice ends with the piece at hand',
    green: 'slices grow while nobody waits',
  },
  'a session that has ended is forgotten': {
    file: 'written-sessions',
    breakage: { seam: 'ended-forgotten', by: '' },
    red: 'whatever was written',
    green: 'activity counts',
  },
  'a session whose record has changed on the disk is not served': {
    file: 'store-sqlite/damage.',
    breakage: { seam: 'checksum', by: 'return session' },
    red: 'a flipped bit anywhere in the file',
    green: 'what is changed on a damaged page',
  },
  'one damaged page is no refusal for what is elsewhere': {
    file: 'store-sqlite/damage.',
    breakage: { seam: 'damage-is-local', by: 'if (requests.length > 0) {' },
    red: 'the others of its batch go through',
    green: 'the sweep leaves a damaged session',
  },
  'what a refused request has begun is undone': {
    file: 'refused-late',
    breakage: { seam: 'refused-undone', by: '' },
    red: 'an insert that gives its place to nobody',
    green: 'a damaged session that makes room',
  },
  'nothing is served from its deadline on': {
    file: 'clock-jumps',
    breakage: { seam: 'expiry', by: 'return now <= expiresAt(session)' },
    red: 'an idle timeout that ends at',
    green: 'a log-out deletes the cookie',
  },
  'no session lives longer than its lifetime': {
    file: 'clock-jumps',
    breakage: { seam: 'lifetime', by: 'return session.lastSeenAt + session.idleTimeoutMs' },
    red: 'a lifetime across the year 10000',
    green: 'a log-out deletes the cookie',
  },
  'a clock that is set back ends nobody': {
    file: 'clock-jumps',
    breakage: { seam: 'expiry', by: 'return now < expiresAt(session) && now >= session.createdAt' },
    red: 'a clock that is set back ends nobody',
    green: 'a log-out deletes the cookie',
  },
  'a clock that is set back takes no activity away': {
    file: 'clock-jumps',
    breakage: {
      seam: 'last-seen-never-back',
      by: 'return seenAt !== session.lastSeenAt && seenAt > 0 ? { ...session, lastSeenAt: seenAt } : session',
    },
    red: 'activity while the clock was ahead',
    green: 'a log-out deletes the cookie',
  },
  'code inside the server has no rights': {
    file: 'program/permissions',
    breakage: {
      seam: 'permissions-dropped',
      by: 'for (const scope of SCOPES) if (scope !== except) permission?.has(scope)',
    },
    red: 'code injected into the server',
    green: 'server starts without a word',
  },
  'what a jump of the clock has ended is not served from memory': {
    file: 'wall-clock',
    breakage: {
      seam: 'hot-expiry',
      by: 'const isHot = known !== undefined',
    },
    red: 'a jump past the idle timeout',
    green: 'a jump back ends nobody',
  },
  'what was swept is not revived by a jump back': {
    file: 'wall-clock',
    breakage: { seam: 'swept-not-hot', by: '' },
    red: 'a jump past the idle timeout',
    green: 'a jump back ends nobody',
  },
  'whatever the clock of the machine does, a lifetime is no longer than it says': {
    file: 'wall-clock',
    breakage: { seam: 'lifetime', by: 'return session.lastSeenAt + session.idleTimeoutMs' },
    red: 'ends with its lifetime',
    green: 'a jump past the idle timeout',
  },
  'a list has the sessions that were created under a clock that was ahead': {
    file: 'wall-clock',
    breakage: {
      seam: 'list-live',
      by: 'if (isLive(session, now) && session.createdAt <= now) sessions.push(session)',
    },
    red: 'a jump back ends nobody',
    green: 'a jump past the idle timeout',
  },
  'what has ended stays so, wherever the clock is set': {
    file: 'clock-jumps',
    breakage: { seam: 'swept-remembered', by: '' },
    red: 'what was ended or swept stays so',
    green: 'a log-out deletes the cookie',
  },
})
