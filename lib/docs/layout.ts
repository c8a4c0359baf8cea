/** What all pages for people share: the frame around their content, without any script. */
import { html, raw } from 'hono/html'
import type { Heading } from './markdown.ts'

export type Html = ReturnType<typeof html>

export type Link = { readonly href: string; readonly text: string }
export type LinkGroup = { readonly title: string; readonly links: readonly Link[] }

export type Shell = {
  readonly title: string
  readonly description: string
  /** The path of this page. */
  readonly here: string
  /** What is left of the content; none for a page of one column. */
  readonly navigation?: { readonly label: string; readonly groups: readonly LinkGroup[] }
  readonly headings?: readonly Heading[]
  readonly query?: string
  /** Kept out of search engines. */
  readonly isPassing?: boolean
  readonly layout?: 'manual' | 'reference' | 'plain'
  readonly content: Html
}

export type RenderShell = (shell: Shell) => string

export type ShellDeps = {
  /** The version of the style, which is kept for long. */
  readonly styleTag: string
  /** Whether this server has the tour. */
  readonly hasTour: boolean
}

export function createShell({ styleTag, hasTour }: ShellDeps): RenderShell {
  const places = hasTour ? [...PLACES, TOUR] : PLACES
  return ({ title, description, here, navigation, headings = [], query = '', ...rest }) => {
    const { content, isPassing = false, layout = 'plain' } = rest
    const shown = headings.filter(({ depth }) => depth === 2 || depth === 3)
    const contents = shown.length > 1 ? contentsOf(shown) : ''
    return String(
      html`<!doctype html>
        <html lang="en">
          <head>
            <meta charset="utf-8" />
            <meta name="viewport" content="width=device-width, initial-scale=1" />
            <title>${title}</title>
            <meta name="description" content="${description}" />
            <meta name="color-scheme" content="light dark" />
            ${isPassing ? raw('<meta name="robots" content="noindex">\n') : ''}
            <link rel="icon" href="/docs/icon.svg" type="image/svg+xml" />
            <link rel="stylesheet" href="/docs/style.css?v=${styleTag}" />
          </head>
          <body class="${layout}">
            <a class="skip" href="#content">Skip to the content</a>
            <header class="top">
              <a class="brand" href="/">${raw(MARK)}Coatcheck</a>
              <nav class="places" aria-label="Places">
                ${places.map(
                  ({ href, text }) =>
                    html`<a href="${href}" ${isAt(href, here) ? raw(' aria-current="true"') : ''}
                      >${text}</a
                    >`,
                )}
              </nav>
              <form class="search" role="search" action="/docs" method="get">
                <input
                  type="search"
                  name="q"
                  value="${query}"
                  placeholder="Search the manual"
                  aria-label="Search the manual"
                  maxlength="200"
                  autocomplete="off"
                  spellcheck="false"
                />
                <button>Search</button>
              </form>
            </header>
            <div class="frame">
              ${
                navigation === undefined
                  ? ''
                  : html`<nav class="side" aria-label="${navigation.label}">
                        ${linksOf(navigation.groups, here)}
                      </nav>
                      <details class="fold side-fold">
                        <summary>${navigation.label}</summary>
                        <nav aria-label="${navigation.label}, folded">
                          ${linksOf(navigation.groups, here)}
                        </nav>
                      </details> `
              }
              <main id="content" tabindex="-1">
                ${
                  contents === ''
                    ? ''
                    : html`<details class="fold contents-fold">
                        <summary>On this page</summary>
                        <nav aria-label="On this page, folded">${contents}</nav>
                      </details> `
                }${content}
              </main>
              ${
                contents === ''
                  ? ''
                  : html`<nav class="contents" aria-label="On this page">
                      <p class="label">On this page</p>
                      ${contents}
                    </nav> `
              }
            </div>
          </body>
        </html> `,
    )
  }
}

const PLACES: readonly Link[] = [
  { href: '/docs', text: 'Manual' },
  { href: '/docs/api', text: 'API' },
  { href: '/openapi.json', text: 'OpenAPI' },
]

const TOUR: Link = { href: '/tour', text: 'Tour' }

function isAt(place: string, here: string): boolean {
  const isReference = here === '/docs/api'
  return place === '/docs/api'
    ? isReference
    : place === '/docs' && here.startsWith('/docs') && !isReference
}

function linksOf(groups: readonly LinkGroup[], here: string): Html[] {
  return groups.map(
    ({ title, links }) =>
      html`<p class="label">${title}</p>
        <ul>
          ${links.map(
            ({ href, text }) =>
              html`<li>
                <a href="${href}" ${href === here ? raw(' aria-current="page"') : ''}>${text}</a>
              </li>`,
          )}
        </ul>`,
  )
}

function contentsOf(headings: readonly Heading[]): Html {
  return html`<ul>
    ${headings.map(
      ({ depth, text, anchor }) =>
        html`<li class="depth-${depth}"><a href="#${anchor}">${text}</a></li>`,
    )}
  </ul>`
}

/** A hook with its ticket: the brand. */
export const MARK =
  '<svg class="mark" viewBox="0 0 24 24" width="20" height="20" aria-hidden="true">' +
  '<path d="M12 8.5V7.2a2.2 2.2 0 1 0-2.2-2.2M12 8.5 3.2 15.1a1.5 1.5 0 0 0 .9 2.7h15.8a1.5 1.5 0 0 0 .9-2.7L12 8.5Z" ' +
  'fill="none" stroke="currentColor" stroke-width="1.9" stroke-linecap="round" stroke-linejoin="round"/></svg>'
