/** The page: what both sides hold, what goes between them, and the buttons. */
import { html, raw } from 'hono/html'
import { MARK } from '../docs/layout.ts'
import type { Word } from './browser/words/english.ts'
import { DICTIONARIES } from './browser/words/words.ts'
import { createSay, type Html, renderDuration, type Say } from './html.ts'
import { CHOICES, type Language } from './language.ts'
import { renderSteps } from './steps.ts'

/** Limits of sessions, in milliseconds. */
export type TourLimits = {
  readonly idleTimeoutMs: number
  readonly lifetimeMs: number
  readonly permanentIdleTimeoutMs: number
  readonly permanentLifetimeMs: number
}

export type PageDeps = {
  readonly language: Language
  readonly origin: string
  readonly now: number
  /** The session's. */
  readonly cookie: { readonly name: string; readonly attributes: string }
  readonly limits: TourLimits
  /** The version of the style, which is kept for long. */
  readonly styleTag: string
}

export function renderPage(deps: PageDeps): string {
  const { language, origin, now, cookie, limits, styleTag } = deps
  const words = DICTIONARIES[language]
  const say = createSay(words)
  const facts = {
    cookie: cookie.name,
    idle: renderDuration(limits.idleTimeoutMs, words),
    lifetime: renderDuration(limits.lifetimeMs, words),
    permanentIdle: renderDuration(limits.permanentIdleTimeoutMs, words),
    permanentLifetime: renderDuration(limits.permanentLifetimeMs, words),
  }
  return String(
    html`<!doctype html>
      <html lang="${language}">
        <head>
          <meta charset="utf-8" />
          <meta name="viewport" content="width=device-width, initial-scale=1" />
          <title>${words.title} · Coatcheck</title>
          <meta name="description" content="${words.description}" />
          <meta name="color-scheme" content="light dark" />
          <link rel="icon" href="/docs/icon.svg" type="image/svg+xml" />
          <link rel="stylesheet" href="/tour/style.css?v=${styleTag}" />
          <script type="module" src="/tour/tour.ts"></script>
        </head>
        <body
          class="tour"
          data-cookie="${cookie.name}"
          data-attributes="${cookie.attributes}"
          data-origin="${origin}"
        >
          <a class="skip" href="#content">${say('skip')}</a>
          <header class="top">
            <a class="brand" href="/">${raw(MARK)}Coatcheck</a>
            <nav class="places" aria-label="${say('places')}">
              <a href="/docs">${say('manual')}</a>
              <a href="/docs/api">API</a>
              <a href="/tour" aria-current="page">${say('tour')}</a>
            </nav>
            ${renderSwitch(language, say)}
          </header>
          <main id="content" tabindex="-1">
            <div class="hero">
              <h1>${say('heading')}</h1>
              <p class="lead">${say('lead')}</p>
              <p class="real">${say('real')}</p>
              <noscript><p class="notice">${say('noScript')}</p></noscript>
            </div>
            <div class="stage">
              <section class="world" aria-label="${say('world')}">
                ${renderPane('browser', say)} ${renderPane('server', say)} ${renderWire(say)}
              </section>
              <div class="steps">
                ${renderSteps({ say, facts, origin, now })}
                <section class="chapter" aria-labelledby="next-title">
                  <h2 id="next-title">${say('next.title')}</h2>
                  <p>${say('next.text')}</p>
                </section>
              </div>
            </div>
          </main>
          <nav class="glance" aria-label="${say('world')}">
            <a href="#browser"><span>${say('browser')}</span> <b data-glance="browser"></b></a>
            <a href="#server"><span>${say('server')}</span> <b data-glance="server"></b></a>
          </nav>
        </body>
      </html> `,
  )
}

function renderSwitch(language: Language, say: Say): Html {
  const other = language === 'en' ? 'zh-Hans' : 'en'
  return html`<a
    class="language"
    href="/tour?lang=${CHOICES[other]}"
    hreflang="${other}"
    lang="${other}"
    >${say('otherLanguage')}</a
  >`
}

/** What is in it comes from the script. */
function renderPane(id: 'browser' | 'server', say: Say): Html {
  const keeps: Word = `${id}.keeps`
  return html`<section class="pane ${id}" id="${id}" aria-labelledby="${id}-title" tabindex="-1">
    <header>
      <h2 id="${id}-title">${say(id)}</h2>
      <p>${say(keeps)}</p>
    </header>
    <div
      class="holds"
      data-pane="${id}"
      tabindex="0"
      role="group"
      aria-labelledby="${id}-title"
    ></div>
  </section>`
}

function renderWire(say: Say): Html {
  return html`<section class="pane wire" id="wire" aria-labelledby="wire-title">
    <header>
      <h2 id="wire-title">${say('wire')}</h2>
      <ol class="history" aria-label="${say('wire.history')}"></ol>
    </header>
    <div class="went" data-pane="wire"><p class="empty">${say('wire.empty')}</p></div>
  </section>`
}
