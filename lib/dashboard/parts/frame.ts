/** The frame of every page: where one can go, who one is, and how the page looks. */
import { html, raw } from 'hono/html'
import type { AppContext } from '../../http/app-env.ts'
import type { Viewer } from '../../service/dashboards.ts'
import type { DashboardAssets } from '../assets.ts'
import { icon, type IconName, MARK } from './icons.ts'
import { themeOf, THEMES } from '../theme.ts'

export type Html = ReturnType<typeof html>

export type Page = {
  readonly title: string
  /** What the page shows as its title, if that is not the one of the window. */
  readonly heading?: Html | string
  /** Beside the title. */
  readonly lead?: Html | string
  /** At the right end of the title's line. */
  readonly note?: Html | string
  readonly content: Html
}

export type Frame = {
  /** A page of somebody who has logged in. */
  render(c: AppContext, viewer: Viewer, page: Page): string
  /** A page of nobody in particular, such as the log-in. */
  renderBare(c: AppContext, page: Pick<Page, 'title' | 'content'>): string
}

type Place = { readonly href: string; readonly text: string; readonly icon: IconName }

export const PLACES: readonly Place[] = [
  { href: '/dashboard', text: 'Overview', icon: 'overview' },
  { href: '/dashboard/sessions', text: 'Sessions', icon: 'sessions' },
  { href: '/dashboard/users', text: 'Users', icon: 'users' },
  { href: '/dashboard/feed', text: 'Feed', icon: 'feed' },
  { href: '/dashboard/keys', text: 'Keys', icon: 'keys' },
  { href: '/dashboard/storage', text: 'Storage', icon: 'storage' },
]

export type FrameDeps = {
  readonly assets: Pick<DashboardAssets, 'style' | 'script'>
  readonly version: string
}

export function createFrame({ assets, version }: FrameDeps): Frame {
  function renderDocument(c: AppContext, title: string, kind: string, body: Html): string {
    const theme = themeOf(c)
    const isChosen = theme !== 'system'
    return String(
      html`<!doctype html>
        <html lang="en" ${isChosen ? raw(`data-theme="${theme}"`) : ''}>
          <head>
            <meta charset="utf-8" />
            <meta name="viewport" content="width=device-width, initial-scale=1" />
            <meta name="color-scheme" content="${isChosen ? theme : 'light dark'}" />
            <meta name="robots" content="noindex" />
            <title>${title} · Coatcheck</title>
            <link rel="icon" href="/docs/icon.svg" type="image/svg+xml" />
            <link rel="stylesheet" href="${assets.style}" />
            <script type="module" src="${assets.script}"></script>
          </head>
          <body class="${kind}">
            ${body}
          </body>
        </html> `,
    )
  }

  return {
    render(c, viewer, { title, heading = title, lead = '', note = '', content }) {
      const here = placeOf(c.req.path)
      return renderDocument(
        c,
        title,
        'framed',
        html`<a class="skip" href="#content">Skip to the content</a>
          <header class="side">
            <a class="brand" href="/dashboard">${MARK}Coatcheck</a>
            <nav class="places" aria-label="Pages">
              ${PLACES.map(
                (place, at) =>
                  html`<a
                    href="${place.href}"
                    ${place.href === here ? raw('aria-current="page"') : ''}
                    >${icon(place.icon)}<span>${place.text}</span><kbd>${at + 1}</kbd></a
                  >`,
              )}
            </nav>
            ${renderViewer(viewer)}
            <div class="about">
              ${renderThemes(c)}
              <p>
                <button class="link" type="button" popovertarget="keyboard">Keyboard</button> ·
                <a href="/docs/dashboard">Manual</a> · <a href="/docs/api">API</a>
              </p>
              <p>Coatcheck ${version}</p>
            </div>
          </header>
          <main id="content" tabindex="-1">
            <div class="head">
              <h1>${heading}</h1>
              ${lead}
              <div class="note">${note}</div>
            </div>
            ${content}
          </main>
          ${KEYBOARD}`,
      )
    },

    renderBare: (c, { title, content }) =>
      renderDocument(
        c,
        title,
        'bare',
        html`<main id="content" class="bare-main" tabindex="-1">${content}</main>`,
      ),
  }
}

/** The place that a path is at or below: that of sessions for one session. */
function placeOf(path: string): string {
  const first = path.split('/', 3).join('/')
  if (first === '/dashboard/session') return '/dashboard/sessions'
  return path === '/dashboard/' ? '/dashboard' : first
}

function renderViewer({ backEnd: { name, scope, app } }: Viewer): Html {
  const rights = scope === 'all' ? 'API key, may do everything' : 'API key, may only look'
  return html`<div class="viewer">
    <p title="${name}"><b>${name}</b></p>
    <p>${rights}${app === undefined ? '' : html`, in <b>${app}</b>`}</p>
    <form method="post" action="/dashboard/logout"><button class="small">Log out</button></form>
  </div>`
}

/** A form, so that it works before any script; the script saves the reload. */
function renderThemes(c: AppContext): Html {
  const theme = themeOf(c)
  const back = c.env.incoming.url ?? '/dashboard'
  return html`<form class="themes" method="post" action="/dashboard/theme" aria-label="Theme">
    <input type="hidden" name="next" value="${back}" />
    ${THEMES.map(
      (one) =>
        html`<button name="theme" value="${one}" aria-pressed="${String(one === theme)}">
          ${{ system: 'System', light: 'Light', dark: 'Dark' }[one]}
        </button>`,
    )}
  </form>`
}

const KEYBOARD = html`<div id="keyboard" class="sheet" popover role="dialog" aria-label="Keyboard">
  <h2>Keyboard</h2>
  <dl class="shortcuts">
    <dt><kbd>1</kbd> to <kbd>6</kbd></dt>
    <dd>the pages</dd>
    <dt><kbd>/</kbd></dt>
    <dd>search</dd>
    <dt><kbd>j</kbd> <kbd>k</kbd></dt>
    <dd>the next row, the one before</dd>
    <dt><kbd>Enter</kbd></dt>
    <dd>opens the row</dd>
    <dt><kbd>?</kbd></dt>
    <dd>this list</dd>
    <dt><kbd>Esc</kbd></dt>
    <dd>closes it</dd>
  </dl>
  <p class="actions">
    <button type="button" popovertarget="keyboard" popovertargetaction="hide">Close</button>
  </p>
</div>`
