import { testControls } from '../kit/runner/test-controls.ts'

testControls('of apps', {
  'a key names no app but its own': {
    file: 'back-end/back-end-apps',
    breakage: { seam: 'app-of-key', by: 'if (own === undefined && app === own) {' },
    red: 'no key reaches another app by its name',
    green: 'a key of all apps lists, counts and ends',
  },
  'the same id in two apps is two sessions': {
    file: 'back-end-apps',
    breakage: { seam: 'app-in-id', by: 'return id' },
    red: 'the same id in each app is a session of its own',
    green: 'a count is asked for alone',
  },
  'an app gives plain ids alone': {
    file: 'back-end-apps',
    breakage: { seam: 'chosen-id', by: 'if (id !== "") return fullIdFor(c, id)' },
    red: 'an id that no app can give is refused',
    green: 'a count is asked for alone',
  },
  'lists, counts and ends are those of the app': {
    file: 'back-end-apps',
    breakage: { seam: 'app-selected', by: '' },
    red: "an app's DELETE of all ends its own",
    green: 'a count is asked for alone',
  },
  'each app is answered as if it were alone': {
    file: 'apps-model',
    breakage: {
      seam: 'app-limit',
      by: 'const others = app === "" ? othersInApp : othersOfSub(ROWS.ofSub)',
    },
    red: 'each app is answered as if it were alone',
    green: 'a list of none is empty',
  },
  'a user is limited within one app': {
    file: 'back-end-apps',
    breakage: {
      seam: 'app-limit',
      by: 'const others = app === "" ? othersInApp : othersOfSub(ROWS.ofSub)',
    },
    red: 'the limit of sessions of a user holds within one app',
    green: 'a count is asked for alone',
  },
  'a new token of a session is of its app': {
    file: 'back-end-apps',
    breakage: { seam: 'renewed-in-app', by: 'const token = mintToken(clock.now(), undefined)' },
    red: 'a renewed session stays in its app',
    green: 'a count is asked for alone',
  },
  "a key opens no cookie of another app's session": {
    file: 'back-end-apps',
    breakage: { seam: 'cookie-of-app', by: 'return found' },
    red: "a key beside a cookie of another app's session",
    green: 'a count is asked for alone',
  },
  'a count lets others go first': {
    file: 'counting.test',
    breakage: { seam: 'count-yields', by: '' },
    red: 'a count lets everything else go first',
    green: 'an app of few sessions is counted',
  },
  'a count knows of activity that is not in the file': {
    file: 'store-sqlite/memory-store',
    breakage: { seam: 'counted-as-touched', by: '' },
    red: 'count counts a session that only a touch',
    green: 'count counts live sessions of one app',
  },
})
