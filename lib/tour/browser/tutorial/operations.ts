/**
 * The operations of the Flask tutorial: what one writes in Flask, what one sends to Coatcheck, and
 * what Flask would have returned. The server makes the page of this table, the page its requests.
 */
import { memberOf, readJson } from './json-text.ts'
import { pythonOf, quoteText } from './python.ts'
import { type CookieBody, renderDeletion, renderSetCookie } from './set-cookie.ts'

export type Ask = {
  readonly method: string
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  /** JSON text. */
  readonly body?: string
}

export type Answer = { readonly status: number; readonly body: string }

/**
 * What a field holds: the name of a key or cookie, any text, a value as in Python, a Python dict, a
 * number, an integer, one or nothing, or one of a few words.
 */
export type FieldKind =
  'name' | 'text' | 'value' | 'dict' | 'number' | 'integer' | 'optionalInteger' | 'choice'

export type Field = {
  readonly kind: FieldKind
  readonly initial: string
  readonly choices?: readonly string[]
}

/** A field's text, read: JSON text of a value, dict, number or integer; else the text itself. */
export type Given<Name extends string = string> = (name: Name) => string

export type Operation = {
  readonly id: string
  /** With `{name}` for each field; undefined where Flask has no word for it. */
  readonly flask: string | undefined
  readonly fields: Readonly<Record<string, Field>>
  /** `now`: milliseconds since 1970. */
  readonly ask: (given: Given, now: number) => Ask
  /** What Flask returns, as its shell prints it; undefined where there is nothing to print. */
  readonly returns: (answer: Answer, given: Given) => string | undefined
  /** `Set-Cookie` as the server answers with, other than the session's. */
  readonly setsCookie: (given: Given, now: number) => string | undefined
}

export type Chapter = { readonly id: string; readonly operations: readonly Operation[] }

const name = (initial: string): Field => ({ kind: 'name', initial })
const text = (initial: string): Field => ({ kind: 'text', initial })
const value = (initial: string): Field => ({ kind: 'value', initial })
const dict = (initial: string): Field => ({ kind: 'dict', initial })
const number = (initial: string): Field => ({ kind: 'number', initial })
const integer = (initial: string): Field => ({ kind: 'integer', initial })
const choice = (...choices: [string, ...string[]]): Field => ({
  kind: 'choice',
  initial: choices[0],
  choices,
})

type Row<Name extends string> = {
  readonly id: string
  readonly flask?: string
  readonly fields?: Readonly<Record<Name, Field>>
  readonly ask: (given: Given<Name>, now: number) => Ask
  readonly returns?: (answer: Answer, given: Given<Name>) => string | undefined
  readonly setsCookie?: (given: Given<Name>, now: number) => string
}

function operation<Name extends string = never>(row: Row<Name>): Operation {
  const { id, flask, fields = {}, ask, returns = nothing, setsCookie = nothing } = row
  return { id, flask, fields, ask, returns, setsCookie }
}

export const CHAPTERS: readonly Chapter[] = [
  {
    id: 'cookies',
    operations: [
      setCookie({
        id: 'setCookie',
        flask: "response.set_cookie('{name}', '{value}', max_age={maxAge})",
        fields: {
          name: name('theme'),
          value: text('dark'),
          maxAge: { kind: 'optionalInteger', initial: '60' },
        },
        bodyOf: (given) => ({
          value: given('value'),
          ...(given('maxAge') !== '' && { maxAge: Number(given('maxAge')) }),
        }),
      }),
      setCookie({
        id: 'setCookieUntil',
        flask:
          "response.set_cookie('{name}', '{value}', expires=datetime.now(UTC) + timedelta(minutes={minutes}))",
        fields: { name: name('offer'), value: text('tea'), minutes: integer('5') },
        bodyOf: (given, now) => ({
          value: given('value'),
          expires: expiresIn(Number(given('minutes')), now),
        }),
      }),
      setCookie({
        id: 'setHiddenCookie',
        flask: "response.set_cookie('{name}', '{value}', httponly=True, samesite='{sameSite}')",
        fields: {
          name: name('pass'),
          value: text('k3y'),
          sameSite: choice('Lax', 'Strict'),
        },
        bodyOf: (given) => ({
          value: given('value'),
          httpOnly: true,
          sameSite: given('sameSite'),
        }),
      }),
      operation({
        id: 'getCookie',
        flask: "request.cookies.get('{name}')",
        fields: { name: name('theme') },
        ask: (given) => ({ method: 'GET', path: `/cookies/${segment(given('name'))}` }),
        returns: valueOr('None'),
      }),
      operation({
        id: 'allCookies',
        flask: 'dict(request.cookies)',
        ask: () => ({ method: 'GET', path: '/cookies' }),
        returns: valueOr('{}'),
      }),
      operation({
        id: 'deleteCookie',
        flask: "response.delete_cookie('{name}')",
        fields: { name: name('theme') },
        ask: (given) => ({ method: 'DELETE', path: `/cookies/${segment(given('name'))}` }),
        setsCookie: (given) => renderDeletion(given('name')),
      }),
    ],
  },
  {
    id: 'session',
    operations: [
      operation({
        id: 'set',
        flask: "session['{key}'] = {value}",
        fields: { key: name('user'), value: value("'ada'") },
        ask: (given) => ({ method: 'PUT', path: pathOf(given('key')), body: given('value') }),
      }),
      operation({
        id: 'get',
        flask: "session.get('{key}')",
        fields: { key: name('user') },
        ask: (given) => ({ method: 'GET', path: pathOf(given('key')) }),
        returns: valueOr('None'),
      }),
      operation({
        id: 'getDefault',
        flask: "session.get('{key}', {default})",
        fields: { key: name('colour'), default: value("'red'") },
        ask: (given) => ({ method: 'GET', path: pathOf(given('key'), given('default')) }),
        returns: valueOr('None'),
      }),
      operation({
        id: 'has',
        flask: "'{key}' in session",
        fields: { key: name('user') },
        ask: (given) => ({ method: 'HEAD', path: pathOf(given('key')) }),
        returns: ({ status }) => (isAbsent(status) ? 'False' : status === 200 ? 'True' : undefined),
      }),
      operation({
        id: 'increment',
        flask: "session['{key}'] += {by}",
        fields: { key: name('visits'), by: number('1') },
        ask: (given) => ({
          method: 'PATCH',
          path: pathOf(given('key')),
          body: `{"increment":${given('by')}}`,
        }),
        returns: valueOr('None'),
      }),
      operation({
        id: 'update',
        flask: 'session.update({values})',
        fields: { values: dict("{'cart': ['tea', 'jam'], 'lang': 'en'}") },
        ask: (given) => ({
          method: 'PATCH',
          path: '/session',
          body: `{"data":${given('values')}}`,
        }),
      }),
      operation({
        id: 'setDefault',
        flask: "session.setdefault('{key}', {value})",
        fields: { key: name('user'), value: value("'bob'") },
        ask: (given) => ({
          method: 'PUT',
          path: pathOf(given('key')),
          headers: { 'If-None-Match': '*' },
          body: given('value'),
        }),
      }),
      operation({
        id: 'all',
        flask: 'dict(session)',
        ask: () => ({ method: 'GET', path: '/session' }),
        returns: data,
      }),
    ],
  },
  {
    id: 'remove',
    operations: [
      operation({
        id: 'pop',
        flask: "session.pop('{key}')",
        fields: { key: name('user') },
        ask: (given) => ({ method: 'DELETE', path: pathOf(given('key')) }),
        returns: (answer, given) => valueOr(`KeyError: ${quoteText(given('key'))}`)(answer),
      }),
      operation({
        id: 'popDefault',
        flask: "session.pop('{key}', {default})",
        fields: { key: name('user'), default: value('None') },
        ask: (given) => ({ method: 'DELETE', path: pathOf(given('key'), given('default')) }),
        returns: valueOr('None'),
      }),
      operation({
        id: 'clear',
        flask: 'session.clear()',
        ask: () => ({ method: 'POST', path: '/session/clear' }),
      }),
    ],
  },
  {
    id: 'time',
    operations: [
      operation({
        id: 'permanent',
        flask: 'session.permanent = {permanent}',
        fields: { permanent: choice('True', 'False') },
        ask: (given) => ({
          method: 'PATCH',
          path: '/session',
          body: `{"permanent":${given('permanent').toLowerCase()}}`,
        }),
      }),
      operation({
        id: 'touch',
        ask: () => ({ method: 'GET', path: '/session' }),
        returns: data,
      }),
      operation({
        id: 'look',
        ask: () => ({ method: 'GET', path: '/session?touch=false' }),
        returns: data,
      }),
    ],
  },
  {
    id: 'flash',
    operations: [
      operation({
        id: 'flash',
        flask: "flash('{message}', '{category}')",
        fields: { message: text('Saved.'), category: text('info') },
        ask: (given) => ({
          method: 'PATCH',
          path: '/session/_flashes',
          body: JSON.stringify({ append: [given('category'), given('message')] }),
        }),
      }),
      operation({
        id: 'flashed',
        flask: 'get_flashed_messages(with_categories=True)',
        ask: () => ({ method: 'DELETE', path: '/session/_flashes?default=%5B%5D' }),
        returns: messages,
      }),
    ],
  },
  {
    id: 'login',
    operations: [
      operation({ id: 'renew', ask: () => ({ method: 'POST', path: '/session/renew' }) }),
      operation({ id: 'logOut', ask: () => ({ method: 'DELETE', path: '/session' }) }),
    ],
  },
]

export const OPERATIONS: readonly Operation[] = CHAPTERS.flatMap(({ operations }) => operations)

type CookieRow<Name extends string> = Omit<Row<Name>, 'ask'> & {
  readonly bodyOf: (given: Given<Name>, now: number) => CookieBody
}

function setCookie<Name extends string>(row: CookieRow<Name | 'name'>): Operation {
  return operation({
    ...row,
    ask: (given, now) => ({
      method: 'PUT',
      path: `/cookies/${segment(given('name'))}`,
      body: JSON.stringify(row.bodyOf(given, now)),
    }),
    setsCookie: (given, now) => renderSetCookie(given('name'), row.bodyOf(given, now)),
  })
}

/** A date to the second, as cookies have it. */
function expiresIn(minutes: number, now: number): string {
  return new Date(Math.floor(now / 1000) * 1000 + minutes * 60_000)
    .toISOString()
    .replace('.000', '')
}

function pathOf(key: string, defaultJson?: string): string {
  const query = defaultJson === undefined ? '' : `?default=${encodeURIComponent(defaultJson)}`
  return `/session/${segment(key)}${query}`
}

function segment(key: string): string {
  return encodeURIComponent(key.toWellFormed())
}

function nothing(): undefined {
  return undefined
}

/** No such key, no session, or one that has ended: to Flask all is an empty session. */
function isAbsent(status: number): boolean {
  return status === 404 || status === 410
}

function valueOr(absent: string): (answer: Answer) => string | undefined {
  return ({ status, body }) => {
    if (isAbsent(status)) return absent
    return status === 200 ? pythonOf(readJson(body)) : undefined
  }
}

function data({ status, body }: Answer): string | undefined {
  if (isAbsent(status)) return '{}'
  const found = status === 200 ? memberOf(readJson(body), 'data') : undefined
  return found && pythonOf(found)
}

/** Pairs, as Flask returns them. */
function messages({ status, body }: Answer): string | undefined {
  const json = status === 200 ? readJson(body) : undefined
  if (json?.kind !== 'array') return isAbsent(status) ? '[]' : undefined
  const pairs = json.items.map((item) => pythonOf(item).replace(/^\[(.*)\]$/s, '($1)'))
  return `[${pairs.join(', ')}]`
}
