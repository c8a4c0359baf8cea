import { testControls } from '../kit/runner/test-controls.ts'

testControls('of the dashboard', {
  'no list or count has the session of a dashboard': {
    file: 'back-end-reserved',
    breakage: { seam: 'reserved-unlisted', by: "all: 'sessions where'," },
    red: 'it is in no list',
    green: 'no back end may choose one',
  },
  'no back end may choose the id of a dashboard': {
    file: 'back-end-reserved',
    breakage: { seam: 'reserved-put', by: "if (id === '')" },
    red: 'no back end may choose one',
    green: 'its token opens nothing',
  },
  'the token of a dashboard opens nothing elsewhere': {
    file: 'back-end-reserved',
    breakage: { seam: 'reserved-opens-nothing', by: '' },
    red: 'its token opens nothing',
    green: 'no back end may choose one',
  },
  'no back end finds the session of a dashboard': {
    file: 'back-end-reserved',
    breakage: { seam: 'reserved-unnamed', by: 'find: (id) => store.find(id, clock.now()),' },
    red: 'by its id nothing is found',
    green: 'no back end may choose one',
  },
  'no import makes the session of a dashboard': {
    file: 'import-words',
    breakage: { seam: 'reserved-import', by: '' },
    red: 'an id of a dashboard',
    green: 'a string without quotes',
  },
  'revoking a key logs its dashboards out': {
    file: 'dashboard/login',
    breakage: { seam: 'revoked-key-logs-out', by: '' },
    red: 'revoking its key',
    green: 'a log-out is final',
  },
  'no session of an application opens the dashboard': {
    file: 'dashboard/login',
    breakage: { seam: 'dashboard-by-id', by: '' },
    red: 'a made-up token',
    green: 'a log-out is final',
  },
  'the dashboard wants the secret': {
    file: 'dashboard/login',
    breakage: { seam: 'dashboard-secret', by: '' },
    red: 'a made-up token',
    green: 'a log-out is final',
  },
  'a plain cookie counts for nothing over https': {
    file: 'dashboard/login',
    breakage: {
      seam: 'dashboard-secure-cookie',
      by: "const name = (readHeader(c, 'cookie') ?? '').includes(SECURE) ? SECURE : PLAIN",
    },
    red: 'over https the cookie is Secure',
    green: 'a log-out is final',
  },
  'a log-in leads nowhere else': {
    file: 'dashboard/login',
    breakage: { seam: 'open-redirect', by: "return text || '/dashboard'" },
    red: 'a log-in leads nowhere else',
    green: 'a log-out is final',
  },
  'forms of other sites are refused': {
    file: 'dashboard/login',
    breakage: { seam: 'dashboard-cross-origin', by: '' },
    red: 'forms of other sites',
    green: 'a log-out is final',
  },
  'beside an admin listener there is no dashboard': {
    file: 'dashboard/login',
    breakage: {
      seam: 'dashboard-beside-admin',
      by: 'trees.push(options.dashboard)',
    },
    red: 'beside an admin listener',
    green: 'a log-out is final',
  },
  'a key that may only look changes nothing': {
    file: 'dashboard/pages',
    breakage: { seam: 'dashboard-acts', by: '' },
    red: 'a key that may only look',
    green: 'the theme is a choice',
  },
  'a key of an app makes keys of that app alone': {
    file: 'dashboard/pages',
    breakage: { seam: 'key-of-own-app', by: "app: form.get('app') || (app ?? '')," },
    red: 'who looks with a key of an app',
    green: 'the theme is a choice',
  },
  'a page runs nothing but its own scripts': {
    file: 'dashboard/pages',
    breakage: {
      seam: 'dashboard-policy',
      by: "const POLICY = \"default-src 'self' 'unsafe-inline'\"",
    },
    red: 'each page is there, with its policy',
    green: 'the theme is a choice',
  },
  'nobody goes on looking who was logged out': {
    file: 'dashboard/live',
    breakage: { seam: 'live-logged-out', by: '' },
    red: 'a stream ends once its key is revoked',
    green: 'a stop ends all streams',
  },
  'streams are bounded': {
    file: 'dashboard/live',
    breakage: { seam: 'live-streams', by: 'if (isClosed) {' },
    red: 'one too many is refused',
    green: 'a stream begins with',
  },
  'searches of the feed are bounded': {
    file: 'store-sqlite/browse',
    breakage: { seam: 'searches-bounded', by: '' },
    red: 'searches of the feed take turns',
    green: 'an empty file has nothing',
  },
  'HEAD opens no stream': {
    file: 'dashboard/live',
    breakage: { seam: 'live-head', by: '' },
    red: 'HEAD takes no place',
    green: 'a stream begins with',
  },
  'what happened to a session is sought from its beginning on': {
    file: 'store-sqlite/browse',
    breakage: { seam: 'events-from-beginning', by: '' },
    red: 'what happened to a session is looked for',
    green: 'an empty file has nothing',
  },
  'a page of users lets others go first': {
    file: 'store-sqlite/browse',
    breakage: { seam: 'users-yield', by: '' },
    red: 'a page of users lets everything else go first',
    green: 'an empty file has nothing',
  },
})
