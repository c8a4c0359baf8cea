/** `/docs/api`: every operation of the table, with a line of curl that works. */
import { html, raw } from 'hono/html'
import { type ProblemCode, PROBLEMS } from '../http/answer/problem.ts'
import { OPERATIONS, type Row } from '../http/api.ts'
import {
  ANY_REQUEST,
  type Caller,
  OF_CALLERS,
  type Parameter,
  refusalsOf,
  scopeOf,
  showPath,
} from '../http/api-parts.ts'
import { curlOf } from './curl.ts'
import type { Html, LinkGroup } from './layout.ts'
import { escapeHtml, renderInline, Slugs } from './markdown.ts'

const TREES: Readonly<Record<string, string>> = {
  session: 'The session of the cookie',
  sessions: 'Any session, for back ends',
  active: 'Any session, for back ends',
  events: 'What happened, for back ends',
  cookies: 'Cookies',
  verify: 'For proxies',
}
const OTHERS = 'The server'

const CALLERS: Readonly<Record<Caller, string>> = {
  anyone: 'anyone',
  holder: 'holder',
  back_end: 'back end',
}

const TYPES: Readonly<Record<Parameter['type'], string>> = {
  boolean: 'true | false',
  'entity tags': 'entity tags',
  integer: 'integer',
  json: 'JSON',
  string: 'string',
}

type Tree = { readonly title: string; readonly anchor: string; readonly rows: readonly Row[] }

/** In the order of the table, by the first segment of the path. */
function treesOf(rows: readonly Row[]): Tree[] {
  const slugs = new Slugs()
  return [...Map.groupBy(rows, ({ path }) => TREES[path.split('/', 2)[1] ?? ''] ?? OTHERS)].map(
    ([title, own]) => ({ title, anchor: `group-${slugs.next(title)}`, rows: own }),
  )
}

/** The operations, for the list beside the page. */
export function listReference(): readonly LinkGroup[] {
  return treesOf(OPERATIONS).map(({ title, rows }) => ({
    title,
    links: rows.map((row) => ({ href: `#${row.id}`, text: titleOf(row) })),
  }))
}

/** `origin` is where the server is asked: its lines of curl can be typed as they are. */
export function renderReference(origin: string): Html {
  return html`<header class="intro">
      <h1>API</h1>
      <p class="lead">
        Every operation, with a line to type. Bodies are JSON, errors are problem details (RFC 9457)
        with a stable code. The same for programs: <a href="/openapi.json">openapi.json</a>; as
        text: <a href="/docs/api.md">api.md</a>.
      </p>
    </header>
    <section class="setup" aria-labelledby="before-you-type">
      <div>
        <h2 id="before-you-type">Before you type</h2>
        <p>
          A cookie that curl keeps in the file <code>jar</code> says whose <code>/session</code> it
          is. Back ends send an API key; the first one was written beside the data file.
          <a href="/docs/back-ends#the-api-key">More on keys</a>.
        </p>
      </div>
      ${raw(showCode(prepare(origin), 'To begin with'))}
    </section>
    ${treesOf(OPERATIONS).map(
      ({ title, anchor, rows }) =>
        html`<section aria-labelledby="${anchor}">
          <h2 id="${anchor}">${title}</h2>
          ${renderRows(rows, origin)}
        </section>`,
    )}
    <section aria-labelledby="errors-of-any-request">
      <h2 id="errors-of-any-request">Errors of any request</h2>
      <p>
        Any operation may also be refused with these. What each means:
        <a href="/docs/errors">errors</a>.
      </p>
      <dl class="answers">
        ${renderErrors([...ANY_REQUEST, 'route_not_found', 'method_not_allowed'])}
      </dl>
    </section>
    <section aria-labelledby="callers">
      <h2 id="callers">Callers</h2>
      <dl class="callers">
        <dt>anyone</dt>
        <dd>Sends nothing to say who it is.</dd>
        <dt>holder</dt>
        <dd>
          Sends a session’s token, in its cookie, in <code>Session-Token</code> or as
          <code>Authorization: Bearer TOKEN</code>. Refused with
          ${raw(listCodes(OF_CALLERS.holder))}.
        </dd>
        <dt>back end</dt>
        <dd>
          Sends an API key, <code>Authorization: Bearer ck_…</code>, whose scope is
          <code>all</code> or the one named. Refused with ${raw(listCodes(OF_CALLERS.back_end))}.
        </dd>
      </dl>
    </section>`
}

/** The first session, and what the lines below call it. */
function prepare(origin: string): string {
  return [
    'KEY=$(cat data/sessions.db.api-key)',
    `curl -c jar -X PUT -d '"ada"' \\\n  ${origin}/session/user`,
    `ID=$(curl -s -b jar ${origin}/session |\n  cut -d '"' -f 4)`,
  ].join('\n')
}

/** The manual's own page has an anchor for each path and each operation: both lead here, too. */
function renderRows(rows: readonly Row[], origin: string): Html[] {
  const paths = new Set<string>()
  return rows.map((row) => {
    const isFirst = !paths.has(row.path)
    paths.add(row.path)
    const anchor = anchorOf(showPath(row.path))
    return renderRow(
      row,
      origin,
      isFirst && anchor !== '' && anchor !== row.id ? anchor : undefined,
    )
  })
}

function renderRow(row: Row, origin: string, anchor: string | undefined): Html {
  const { id, summary, query = [], headers = [], body, answers, example } = row
  const title = titleOf(row)
  return html`<article class="operation" id="${id}" aria-labelledby="${anchorOf(title)}">
    <div class="about">
      ${anchor === undefined ? '' : html`<span id="${anchor}"></span>`}
      <h3 id="${anchorOf(title)}">
        ${raw(showTitle(row))} <a class="anchor" href="#${id}" aria-label="Link to ${title}">#</a>
      </h3>
      <p>${raw(renderInline(summary))}</p>
      <p class="who">
        <span class="tag">${CALLERS[row.who]}</span
        >${row.who === 'back_end' ? html` <span class="tag">scope ${scopeOf(row)}</span>` : ''}
      </p>
      ${renderParameters('Query', query, (name) => `?${name}=`)}${renderParameters('Headers', headers, (name) => `${name}:`)}
      ${
        body === undefined
          ? ''
          : html`<h4>Body${body.isOptional === true ? ', optional' : ''}</h4>
              <p>${raw(renderInline(body.shape))}</p>`
      }
      <h4>Answers</h4>
      <dl class="answers">
        ${Object.entries(answers).map(
          ([status, { carries, headers: own = [] }]) =>
            html`<dt><span class="status good">${status}</span></dt>
              <dd>
                ${raw(renderInline(carries))}${
                  own.length === 0 ? '' : html`; with ${raw(listCodes(own))}`
                }
              </dd>`,
        )}${renderErrors(row.errors.length === 0 ? [] : refusalsOf({ ...row, who: 'anyone' }))}
      </dl>
    </div>
    <div class="try">
      ${raw(showCode(wrapCurl(curlOf(row, origin)), `curl, ${title}`))}${
        example.answer === undefined
          ? html`<p class="status-line"><span class="status good">${example.status}</span></p>`
          : html`<p class="status-line"><span class="status good">${example.status}</span></p>
              ${raw(showCode(indent(example.answer), `Answer, ${title}`))}`
      }
    </div>
  </article> `
}

function renderParameters(
  title: string,
  parameters: readonly Parameter[],
  show: (name: string) => string,
): Html | '' {
  if (parameters.length === 0) return ''
  return html`<h4>${title}</h4>
    <dl class="parameters">
      ${parameters.map(
        ({ name, type, values, fallback, meaning }) =>
          html`<dt><code>${show(name)}</code></dt>
            <dd>
              ${raw(renderInline(meaning))}
              <span class="type"
                >${values?.join(' | ') ?? TYPES[type]}${
                  fallback === undefined ? '' : `, by default ${fallback}`
                }</span
              >
            </dd>`,
      )}
    </dl>`
}

/** By status, each with its codes. */
function renderErrors(codes: readonly ProblemCode[]): Html[] {
  return [...Map.groupBy(codes, (code) => PROBLEMS[code][0])]
    .toSorted(([a], [b]) => a - b)
    .map(
      ([status, own]) =>
        html`<dt><span class="status bad">${status}</span></dt>
          <dd>${raw(listCodes(own.toSorted()))}</dd>`,
    )
}

function listCodes(names: readonly string[]): string {
  return names.map((name) => `<code>${escapeHtml(name)}</code>`).join(', ')
}

function titleOf({ method, path }: Row): string {
  return method === 'ALL' ? `Any method, ${showPath(path)}` : `${method} ${showPath(path)}`
}

function showTitle({ method, path }: Row): string {
  const shown = escapeHtml(showPath(path)).replaceAll('/', '<wbr>/')
  const name = method === 'ALL' ? 'Any method,' : method
  return `<span class="method ${method.toLowerCase()}">${name}</span> <span class="path">${shown}</span>`
}

function anchorOf(text: string): string {
  return new Slugs().next(text)
}

/** A long line is cut where a shell takes it so. */
function wrapCurl(line: string): string {
  return line.length <= 56 ? line : line.replace(/ (?=-H |-d |"?https?:\/\/)/g, ' \\\n  ')
}

/** JSON as people read it; numbers keep their digits, since these are examples of ours. */
function indent(answer: string): string {
  return answer.length < 48 ? answer : JSON.stringify(JSON.parse(answer), null, 2)
}

function showCode(text: string, label: string): string {
  return `<pre tabindex="0" role="group" aria-label="${escapeHtml(label)}"><code>${escapeHtml(text)}\n</code></pre>`
}
