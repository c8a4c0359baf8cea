/** Every word of the tour, in English. Between backticks stands code, between asterisks what matters. */
export const english = {
  title: 'Tour: cookies and sessions, live',
  description:
    'The Flask tutorial on cookies and sessions, live: what the browser holds beside what the server holds.',
  skip: 'Skip to the content',
  places: 'Places',
  manual: 'Manual',
  tour: 'Tour',
  otherLanguage: '中文',

  heading: 'Cookies and sessions, live',
  lead: 'A *cookie* is a string that your browser keeps and sends along with every request. A *session* is an object that the server keeps; your browser has only the ticket for it, in a cookie. Press a button, and watch both.',
  real: 'Nothing here is staged: each button sends one request of the [API](/docs/api) from your browser, and works on your own session on this server.',
  noScript:
    'The buttons need JavaScript, which is off here. Type the lines of `curl` into a terminal instead: they do the same, and `curl` keeps its cookies in the file `jar`.',
  chapters: 'Chapters',
  world: 'What both sides hold',

  browser: 'Your browser',
  'browser.keeps': 'keeps cookies: strings',
  'browser.script': 'What a script of this page can read:',
  'browser.empty': 'No cookies yet.',
  'browser.emptyHint': 'The server sets the first one. Press *Run* at `response.set_cookie`.',
  'browser.ticket': 'the ticket',
  'browser.hidden': 'hidden',
  'browser.hiddenWhy':
    '`HttpOnly`: no script may read it, this page’s neither, so none that slips into a page can steal it. The browser sends it along all the same: that is how the server knows you.',
  'browser.hiddenOther': '`HttpOnly`: sent with every request, shown to no script.',
  'browser.untilClosed': 'until the browser closes',
  'browser.language': 'this page’s own: it remembers your language',
  'browser.readAs': 'reads as {value}',

  server: 'The server',
  'server.keeps': 'keeps sessions: objects',
  'server.empty': 'No session for this browser yet.',
  'server.emptyHint': 'Reading makes none. The first write does. Press *Run* at `session[…] = …`.',
  'server.ended': 'This session has ended: {reason}.',
  'server.endedHint': 'It stays so. The next write begins another one, with a new ticket.',
  'server.endedAt': 'at {time}',
  'server.unreachable': 'The server does not answer.',
  'server.unreachableHint': 'The page asks again every few seconds.',
  'server.refused': 'The server does not show this session: {detail}',
  'server.version': 'version {number}',
  'server.versionWhy': 'one more with each change; the `ETag` of its answers',
  'server.data': 'data',
  'server.dataWhy': 'read and written by whoever has the ticket',
  'server.claims': 'claims',
  'server.claimsWhy': 'written by a back end alone: who is logged in',
  'server.permanent': 'permanent',
  'server.permanentNo': 'False: the cookie goes when the browser closes',
  'server.permanentYes': 'True: the cookie stays, with `Max-Age`, and the longer limits hold',
  'server.idle': 'Idle timeout',
  'server.idleEnds': 'Last seen {seen}; ends {time} if idle.',
  'server.idleLate': 'Last seen {seen}; later than the lifetime, which ends it.',
  'server.lifetime': 'Lifetime',
  'server.lifetimeEnds': 'Began {begun}; ends {time}, however busy.',
  'reason.idle_timeout': 'nobody asked for it in time (idle timeout)',
  'reason.lifetime': 'its lifetime was over',
  'reason.logout': 'log-out',
  'reason.renewed': 'it has a new id and ticket (renewed)',
  'reason.revoked': 'a back end ended it (revoked)',
  'reason.evicted': 'its user had too many (evicted)',

  wire: 'What went over the wire',
  'wire.empty': 'The next request and its answer are shown here, as they go.',
  'wire.history': 'Latest requests',
  'wire.request': 'Your browser asks',
  'wire.answer': 'The server answers',
  'wire.cookieWhy': 'added by the browser, which lets no script see the line',
  'wire.setCookieWhy': 'goes past all scripts into the browser’s store; `curl -i` shows it',
  'wire.noBody': 'no body',
  'wire.otherHeaders': 'Other headers',
  'wire.failed': 'no answer',
  'wire.took': '{ms} ms',

  run: 'Run',
  'run.failed': 'The server did not answer.',
  copy: 'Copy',
  copied: 'Copied',
  copyLabel: 'Copy the line of curl',
  'change.cookieSet': 'cookie {name} set',
  'change.cookieGone': 'cookie {name} gone',
  'change.cookieNew': 'cookie {name} changed',
  'change.begun': 'a session begins',
  'change.ended': 'the session is gone',
  'change.renewed': 'a new id and ticket',
  'change.keySet': '{name} set',
  'change.keyNew': '{name} changed',
  'change.keyGone': '{name} gone',
  'change.permanent': 'permanent: {value}',
  'change.touched': 'idle timeout set back',
  'change.none': 'nothing changes',

  'fault.empty': 'A name has one character at least.',
  'fault.dots': 'To a browser, . and .. in a path are steps. Take another name.',
  'fault.value':
    "Not a Python value: a text needs quotes, as in 'ada'; or 42, True, None, ['tea'].",
  'fault.dict': "Not a dict: write it as in {'a': 1, 'b': 'two'}.",
  'fault.number': 'Not a number: write it as in 1, -2 or 0.5.',
  'fault.integer': 'Not a whole number of at most nine digits.',

  'cookies.short': 'Cookies',
  'cookies.title': 'A cookie: a string in the browser',
  'cookies.text':
    'The server names a string in the header `Set-Cookie`. The browser keeps it and brings it back with every request, in the header `Cookie`. The server keeps nothing, and whoever sits at the browser can read and change it.',
  'setCookie.about':
    'Kept for `max_age` seconds: watch it run out. Left empty, it is kept until the browser closes.',
  'setCookieUntil.about': 'The same, with a moment in place of a number of seconds.',
  'setHiddenCookie.about':
    '`httponly`: the browser keeps and sends it, and shows it to no script. `samesite`: whether it goes along when another site leads to this one.',
  'getCookie.about': 'What the browser sent along; `None` if it has no cookie of that name.',
  'allCookies.about':
    'All that the browser sent along, but for the session’s: this server keeps that to itself.',
  'deleteCookie.about':
    'The server cannot reach into the browser. It sends the cookie once more, with an end in the past, and the browser drops it.',

  'session.short': 'Session',
  'session.title': 'A session: an object on the server',
  'session.text':
    'The first write makes the object, and the browser gets a ticket for it: the cookie `{cookie}`. From then on only the ticket travels. (Flask’s own `session` is different: the whole object travels, in the cookie, signed but for everybody to read.)',
  'set.about': 'Any value of JSON. The first one begins the session.',
  'get.about': 'The value; `None` if there is no such key, or no session.',
  'getDefault.about': 'The value, or what you give in its place. Nothing is written.',
  'has.about': 'Whether the key is there: `200` or `404`, without a body.',
  'increment.about':
    'One step on the server, so two at the same moment count two. A missing key counts from 0.',
  'update.about': 'Several keys at once. A value of `None` removes its key.',
  'setDefault.about':
    'Writes only if the key is not there yet (`If-None-Match: *`). If it is: `412`, and it stays as it is.',
  'all.about': 'All of the session: its data, claims and times.',

  'remove.short': 'Take out',
  'remove.title': 'Take out, and empty',
  'remove.text':
    '`pop` gives the value back and removes it, in one step: of two who pop, one gets it.',
  'pop.about': 'The value, which is gone then. Without the key: Flask’s `KeyError`, here `404`.',
  'popDefault.about': 'The same, with something to fall back on.',
  'clear.about': 'Removes every key of this one session.',
  'clear.truth.title': 'Is it dangerous?',
  'clear.truth':
    '“Use with care: it deletes every session on the server”, says the tutorial. It does not, neither in Flask nor here: it empties *one* session, yours. The session stays, with its id, its ticket and its claims, and no other visitor notices: try it with this page open in a private window beside. What does end every session on the server is `DELETE /sessions?all=true`, and that takes an API key.',

  'time.short': 'How long',
  'time.title': 'How long it lasts',
  'time.text':
    'Two limits run at once, and the earlier one ends the session. The *idle timeout* ({idle}) begins anew with each request; the *lifetime* ({lifetime}) does not. Both run in the server’s pane.',
  'permanent.about':
    'True: both limits become the longer ones ({permanentIdle} and {permanentLifetime}), and the cookie gets `Max-Age`, so it outlives the browser. False: it goes when the browser closes.',
  'touch.flask': 'any request of the session, in Flask and here',
  'touch.about': 'A touch: it counts as activity. Watch the idle timeout jump back to its start.',
  'look.flask': 'Flask has no word for it: a look without a touch',
  'look.about':
    'With `?touch=false` the idle timeout runs on. This page looks so, after each press and every few seconds.',

  'flash.short': 'Flash',
  'flash.title': 'A message for the next page',
  'flash.text':
    'Flash messages are kept in the session under `_flashes`, in Flask and here, and read once.',
  'flash.about': 'Appends one, in one step.',
  'flashed.about': 'All of them, which are gone then. Press it twice.',

  'login.short': 'Log in, out',
  'login.title': 'Log in, log out',
  'login.text':
    'Who logs in gets a new ticket, so that an old one, which somebody may have seen or planted, opens nothing. Who logs out leaves no session behind.',
  'renew.flask': 'Flask has no word for it; Flask-Session: session_interface.regenerate(session)',
  'renew.about':
    'The same object under a new id, and a new ticket. The old one is dead at once. Do it at each log-in.',
  'logOut.flask': 'in Flask, session.clear() is all there is',
  'logOut.about':
    'Ends the session for good, on the server, and removes the cookie. No late write brings it back.',

  'next.title': 'And now?',
  'next.text':
    'Open this page in a second tab and press there: this one follows. Open it in a private window: that is another browser to the server, with a session of its own. Then read on: [sessions](/docs/sessions), [cookies](/docs/cookies), [how long they last](/docs/lifetime), or [from your back end](/docs/back-ends), which alone writes claims.',

  'duration.days': '{n} days',
  'duration.hours': '{n} hours',
  'duration.minutes': '{n} minutes',
  'duration.seconds': '{n} seconds',
  'duration.daysAnd': '{days} d {rest}',
}

export type Word = keyof typeof english
export type Words = Readonly<Record<Word, string>>
