/**
 * The pages for people: the manual at `/docs`, and the page that a browser finds at `/`. All that
 * they are made of is read at the start; each is rendered when it is first asked for, and kept.
 */
import { raw } from 'hono/html'
import { readAsset } from '../base/assets.ts'
import type { MaybePromise } from '../base/maybe-promise.ts'
import { HttpError } from '../http/answer/problem.ts'
import {
  answerResource,
  bareTag,
  HTML_TYPE,
  keep,
  KEPT,
  pageHeaders,
  requireRead,
  type Resource,
  STYLE_TYPE,
  toPage,
  toResource,
} from '../http/answer/resource.ts'
import type { AppContext } from '../http/app-env.ts'
import type { Pages } from '../http/pages.ts'
import { prefersType, readQueries } from '../http/request/request.ts'
import {
  DESCRIPTION,
  renderFrontPage,
  renderHits,
  renderIndex,
  renderMissing,
  renderTurn,
} from './front.ts'
import { createShell, type LinkGroup, type RenderShell } from './layout.ts'
import { parseMarkdown, plainText, renderMarkdown } from './markdown.ts'
import { type Manual, type ManualPage, readManual } from './pages.ts'
import { listReference, renderReference } from './reference.ts'
import { createSearch, type Hit } from './search.ts'

const MARKDOWN_TYPE = 'text/markdown; charset=utf-8'

/** Runs nothing, sends only the search, and cannot be framed. */
// control: docs-policy
const PAGE_POLICY =
  "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; " +
  "frame-ancestors 'none'"

/** What is at a path, made when it is asked for. */
type Place = { readonly make: (origin: string) => Resource; readonly source?: string }

export type PagesOptions = {
  /** Whether this server has the tour, to which the pages then lead. */
  readonly hasTour: boolean
}

/** Reads all files. To be called before the permissions are dropped. */
export function createPages({ hasTour }: PagesOptions): Pages {
  const manual = readManual()
  const style = toResource(STYLE_TYPE, readStyle())
  const shell = createShell({ styleTag: bareTag(style), hasTour })
  const search = createSearch(manual.pages)
  const places = createPlaces(manual, style, shell)
  const frontPage = keepLast((origin) => toPage(renderFront(shell, origin, hasTour)))

  return {
    answerFrontPage(_, origin) {
      const { text, type } = frontPage(origin)
      const headers = {
        ...pageHeaders(PAGE_POLICY),
        'Content-Type': type,
        Vary: 'Accept, Cookie',
        'Cache-Control': 'no-store',
      }
      return new Response(text, { headers })
    },

    docs: { path: '/docs', answer: answerDocs },
  }

  function answerDocs(c: AppContext, origin: string): MaybePromise<Response> {
    requireRead(c, 'a page of the manual')
    const { path } = c.req
    const query = path === '/docs' ? readQueries(c).get('q')?.trim() : undefined
    if (query !== undefined && query !== '') {
      return search(query).then((hits) => answerHits(c, query, hits, shell, listPages(manual)))
    }
    // A fixed map: nothing of the path ever reaches the file system.
    const place = places.get(path === '/docs/' ? '/docs' : path)
    if (place === undefined) return answerMissing(c, shell, manual)
    if (place.source !== undefined && prefersType(c, 'text/markdown', 'text/html')) {
      return answer(c, toResource(MARKDOWN_TYPE, place.source))
    }
    const resource = place.make(origin)
    const isKept = resource === style && readQueries(c).get('v') === bareTag(style)
    return answer(c, resource, isKept ? KEPT : undefined)
  }
}

/** By whole path. */
function createPlaces(manual: Manual, style: Resource, shell: RenderShell): Map<string, Place> {
  const icon = toResource('image/svg+xml', readAsset('lib/docs/icon.svg'))
  const places = new Map<string, Place>([
    ['/docs/style.css', { make: () => style }],
    ['/docs/icon.svg', { make: () => icon }],
    ['/docs', { make: keep(() => toPage(renderIndexPage(manual, shell))) }],
  ])
  for (const [at, page] of manual.pages.entries()) {
    const { name, source } = page
    const isReference = name === 'api'
    places.set(`/docs/${name}`, {
      source,
      make: isReference
        ? keepLast((origin) => toPage(renderReferencePage(shell, origin)))
        : keep(() => toPage(renderManualPage(manual, at, shell))),
    })
    const text = keep(() => toResource(MARKDOWN_TYPE, source))
    places.set(`/docs/${name}.md`, { make: text })
  }
  for (const [path, { type, text }] of manual.files) {
    places.set(`/docs/${path}`, { make: keep(() => toResource(type, text)) })
  }
  return places
}

function renderFront(shell: RenderShell, origin: string, hasTour: boolean): string {
  const content = renderFrontPage(origin, hasTour)
  return shell({ title: 'Coatcheck', description: DESCRIPTION, here: '/', content })
}

function renderIndexPage(manual: Manual, shell: RenderShell): string {
  return shell({
    title: 'Manual · Coatcheck',
    description: `The manual of Coatcheck. ${DESCRIPTION}`,
    here: '/docs',
    navigation: { label: 'Pages', groups: listPages(manual) },
    content: renderIndex(manual.pages),
  })
}

function renderManualPage(manual: Manual, at: number, shell: RenderShell): string {
  const { pages } = manual
  const page = pages[at]
  if (page === undefined) throw new Error('The manual has no page of this number')
  const { html, headings } = renderMarkdown(page.source)
  return shell({
    title: `${plainLine(page.title)} · Coatcheck`,
    description: plainLine(page.lead),
    here: `/docs/${page.name}`,
    navigation: { label: 'Pages', groups: listPages(manual) },
    headings,
    layout: 'manual',
    content: raw(
      `<article>${html}</article>${String(renderTurn(pages[at - 1], pages[at + 1]))}` +
        `<p class="here"><a href="/docs/${page.name}.md">This page as Markdown</a></p>`,
    ),
  })
}

function renderReferencePage(shell: RenderShell, origin: string): string {
  return shell({
    title: 'API · Coatcheck',
    description:
      'Every operation of Coatcheck with its parameters, answers, errors and a curl line.',
    here: '/docs/api',
    navigation: { label: 'Operations', groups: listReference() },
    layout: 'reference',
    content: renderReference(origin),
  })
}

function answerHits(
  c: AppContext,
  query: string,
  hits: readonly Hit[],
  shell: RenderShell,
  groups: readonly LinkGroup[],
): Response {
  const text = shell({
    title: `${query.slice(0, 60)} · Search · Coatcheck`,
    description: 'What the manual of Coatcheck has on this.',
    here: '/docs?',
    navigation: { label: 'Pages', groups },
    query,
    isPassing: true,
    content: renderHits(query, hits),
  })
  return answer(c, toPage(text))
}

/** A person is led on by a page, a program told by a problem. */
function answerMissing(c: AppContext, shell: RenderShell, manual: Manual): Response {
  if (!prefersType(c, 'text/html', 'application/json')) {
    throw new HttpError(
      'route_not_found',
      'Cannot find this page of the manual: /docs has them all, /docs?q=WORDS searches',
    )
  }
  const text = shell({
    title: 'No such page · Coatcheck',
    description: 'The manual of Coatcheck has no page here.',
    here: '/docs?',
    navigation: { label: 'Pages', groups: listPages(manual) },
    isPassing: true,
    content: renderMissing(),
  })
  const headers = {
    ...pageHeaders(PAGE_POLICY),
    'Content-Type': HTML_TYPE,
    'Cache-Control': 'no-store',
  }
  return new Response(text, { status: 404, headers })
}

function listPages({ groups, pages }: Manual): LinkGroup[] {
  return groups.map(({ title, pages: names }) => ({
    title,
    links: names.flatMap((name) => {
      const page = pages.find((other) => other.name === name)
      return page === undefined ? [] : [{ href: `/docs/${name}`, text: shortTitle(page) }]
    }),
  }))
}

/** `From your back end` of `From your back end: /sessions`. */
function shortTitle({ title }: ManualPage): string {
  return plainLine(title).replace(/:.*/, '')
}

function plainLine(markdown: string): string {
  const [first] = parseMarkdown(markdown)
  return first !== undefined && 'tokens' in first ? plainText(first.tokens) : markdown
}

function readStyle(): string {
  return ['lib/docs/tokens.css', 'lib/docs/style.css'].map(readAsset).join('\n')
}

/** For pages that name the server: nearly every request has the same origin as the one before. */
function keepLast(make: (origin: string) => Resource): (origin: string) => Resource {
  let kept: { readonly origin: string; readonly resource: Resource } | undefined
  return (origin) => {
    if (kept?.origin !== origin) kept = { origin, resource: make(origin) }
    return kept.resource
  }
}

function answer(c: AppContext, resource: Resource, caching?: string): Response {
  return answerResource(c, resource, pageHeaders(PAGE_POLICY), caching)
}
