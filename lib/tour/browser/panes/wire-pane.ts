/** What went over the wire: a request, its answer, and those before. */
import { element, find, marked } from './elements.ts'
import { type Json, readJson, writeJson } from '../tutorial/json-text.ts'
import { say } from './page-words.ts'
import type { Exchange } from '../requests.ts'

export type Wire = {
  /** `cookie`: what the browser brought; `setCookies`: what it was told to keep. */
  add(exchange: Exchange, cookie: string, setCookies: readonly string[]): void
}

const HISTORY = 8
/** Of those that an answer has; the others are below a fold. */
const MATTERS = ['content-type', 'etag', 'warning', 'allow', 'retry-after']

export function createWire(pane: HTMLElement): Wire {
  const went = find('[data-pane]', pane)
  const history = find<HTMLOListElement>('.history', pane)

  function choose(button: HTMLElement, content: readonly HTMLElement[]): void {
    for (const other of history.querySelectorAll('[aria-current]')) {
      other.removeAttribute('aria-current')
    }
    button.setAttribute('aria-current', 'true')
    went.replaceChildren(...content)
  }

  return {
    add(exchange, cookie, setCookies) {
      const { ask, answer } = exchange
      const content = [renderRequest(exchange, cookie), renderAnswer(exchange, setCookies)]
      const button = element(
        'button',
        { type: 'button' },
        renderStatus(answer?.status, answer === undefined ? say('wire.failed') : ''),
        ` ${ask.method} `,
        element('span', {}, pathShown(ask.path)),
      )
      button.addEventListener('click', () => choose(button, content))
      history.prepend(element('li', {}, button))
      while (history.childElementCount > HISTORY) history.lastElementChild?.remove()
      choose(button, content)
    },
  }
}

/** The status as a tag, green or red; `text` stands beside the number. */
export function renderStatus(status: number | undefined, text = ''): HTMLElement {
  const kind = status === undefined || status >= 400 ? 'bad' : 'good'
  return element('span', { class: `status ${kind}` }, `${status ?? ''} ${text}`.trim())
}

function renderRequest({ ask, headers }: Exchange, cookie: string): HTMLElement {
  const lines: HTMLElement[] = [renderHeader('Host', location.host)]
  if (cookie !== '') lines.push(renderHeader('Cookie', cookie, say('wire.cookieWhy')))
  lines.push(...headers.map(([name, value]) => renderHeader(name, value)))
  return element(
    'div',
    { class: 'message request' },
    element('h3', {}, say('wire.request')),
    element(
      'p',
      { class: 'first' },
      element('b', { class: `method ${ask.method.toLowerCase()}` }, ask.method),
      ` ${pathShown(ask.path)}`,
    ),
    element('div', { class: 'headers' }, ...lines),
    renderBody(ask.body),
  )
}

function renderAnswer({ answer, tookMs }: Exchange, setCookies: readonly string[]): HTMLElement {
  const title = element('h3', {}, say('wire.answer'))
  if (answer === undefined) {
    return element(
      'div',
      { class: 'message answer' },
      title,
      renderStatus(undefined, say('wire.failed')),
    )
  }
  const all = [...answer.headers].map(([name, value]) => [name, value] as const)
  const matters = all.filter(([name]) => MATTERS.includes(name))
  const others = all.filter(([name]) => !MATTERS.includes(name))
  return element(
    'div',
    { class: 'message answer' },
    title,
    element(
      'p',
      { class: 'first' },
      renderStatus(answer.status, answer.line.replace(/^\d+ ?/, '')),
      element('small', {}, say('wire.took', { ms: Math.max(1, Math.round(tookMs)) })),
    ),
    element(
      'div',
      { class: 'headers' },
      ...setCookies.map((line) => renderHeader('Set-Cookie', line, say('wire.setCookieWhy'))),
      ...matters.map(([name, value]) => renderHeader(nameShown(name), value)),
    ),
    renderBody(answer.body),
    element(
      'details',
      {},
      element('summary', {}, say('wire.otherHeaders')),
      element(
        'div',
        { class: 'headers' },
        ...others.map(([name, value]) => renderHeader(nameShown(name), value)),
      ),
    ),
  )
}

function renderHeader(name: string, value: string, why?: string): HTMLElement {
  return element(
    'p',
    why === undefined ? {} : { class: 'special' },
    element('b', {}, `${name}:`),
    ` ${value}`,
    why === undefined ? undefined : element('small', {}, marked(why)),
  )
}

function renderBody(body: string | undefined): HTMLElement {
  if (body === undefined || body === '') {
    return element('p', { class: 'nobody' }, say('wire.noBody'))
  }
  return element('pre', { tabindex: '0', role: 'group', 'aria-label': 'body' }, pretty(body))
}

const LINE_LENGTH = 44

/** In lines, as far as one would be long; as it came where it is no JSON. */
function pretty(body: string): string {
  try {
    return inLines(readJson(body), '')
  } catch {
    return body
  }
}

function inLines(json: Json, indent: string): string {
  const line = writeJson(json)
  if ('text' in json || line.length <= LINE_LENGTH) return line
  const inner = `${indent}  `
  const [open, close, parts] =
    json.kind === 'array'
      ? ['[', ']', json.items.map((item) => inLines(item, inner))]
      : [
          '{',
          '}',
          json.members.map(([name, value]) => `${JSON.stringify(name)}: ${inLines(value, inner)}`),
        ]
  return `${open}\n${inner}${parts.join(`,\n${inner}`)}\n${indent}${close}`
}

/** As people read it, where nothing else can be meant. */
function pathShown(path: string): string {
  return path.replaceAll('%22', '"').replaceAll('%5B', '[').replaceAll('%5D', ']')
}

/** `Content-Type` of `content-type`. */
function nameShown(name: string): string {
  return name === 'etag' ? 'ETag' : name.replace(/(^|-)\w/g, (start) => start.toUpperCase())
}
