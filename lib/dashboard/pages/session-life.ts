/** A live session on its page: whose it is, how long it has, what it holds. */
import { html } from 'hono/html'
import type { Viewer } from '../../service/dashboards.ts'
import { isWithin } from '../../session/api-key.ts'
import { findSub } from '../../session/claims.ts'
import { appOf } from '../../session/session-id.ts'
import { END_OF_TIME_MS, expiresAt, lifetimeEndsAt, type Session } from '../../session/session.ts'
import type { Html } from '../parts/frame.ts'
import { hrefOfLogOut, hrefOfUser, type ShownIds } from '../parts/places.ts'
import { readDevice, showDuration, showMoment, showWhen } from '../parts/words.ts'
import { renderEndOne } from './end-one.ts'
import { renderJson } from './folded-json.ts'

export function renderLife(session: Session, ids: ShownIds, viewer: Viewer, now: number): Html {
  const { id, claims, data, createdAt, lastSeenAt, permanent, version, device, keepEndedMs } =
    session
  const sub = findSub(claims)
  const { name, userAgent, address } = readDevice(device)
  const app = appOf(id)
  const hasNoEnd = lifetimeEndsAt(session) >= END_OF_TIME_MS
  const mayEnd = isWithin(viewer.backEnd.scope, 'all')
  return html`<div class="grid">
    <section class="card w6" aria-labelledby="who">
      <div class="card-head"><h2 id="who">Who</h2></div>
      <dl class="facts">
        <div>
          <dt>User</dt>
          <dd>
            ${
              sub === undefined
                ? html`<span class="faint">nobody: <code>claims.sub</code> is absent</span>`
                : html`<a href="${hrefOfUser(sub)}">${sub}</a>`
            }
          </dd>
        </div>
        ${app === undefined ? '' : renderFact('App', app)}
        ${renderFact('Device', name ?? html`<span class="faint">not kept</span>`)}
        ${address === undefined ? '' : renderFact('Address', address)}
        ${userAgent === undefined ? '' : renderFact('User agent', html`<span class="agent">${userAgent}</span>`)}
        ${renderFact('Version', html`${version} <span class="faint">higher with each change</span>`)}
        ${renderFact(
          'Opened by',
          session.secretHash === null
            ? 'no token: by its id alone'
            : permanent
              ? 'a cookie that outlives the browser (permanent)'
              : 'a cookie',
        )}
      </dl>
      ${
        mayEnd
          ? html`<div class="actions">
              ${renderEndOne(ids, id)}
              ${
                sub === undefined
                  ? ''
                  : html`<a class="button" href="${hrefOfLogOut(sub)}"
                      >Log this user out everywhere…</a
                    >`
              }
            </div>`
          : ''
      }
    </section>
    <section class="card w6" aria-labelledby="time">
      <div class="card-head"><h2 id="time">How long it has</h2></div>
      ${renderTime('Idle timeout', lastSeenAt, session.idleTimeoutMs, now, 'since its last request')}
      ${
        hasNoEnd
          ? html`<p class="clock"><b>Lifetime</b> without an end</p>`
          : renderTime('Lifetime', createdAt, session.lifetimeMs, now, 'since it began')
      }
      <dl class="facts">
        ${renderMomentOf('Began', createdAt, now)} ${renderMomentOf('Last seen', lastSeenAt, now)}
        ${renderMomentOf('Expires', expiresAt(session), now)}
        ${hasNoEnd ? '' : renderMomentOf('Lifetime ends', lifetimeEndsAt(session), now)}
        ${keepEndedMs === undefined ? '' : renderFact('Its end', showKept(keepEndedMs))}
      </dl>
    </section>
    ${renderJson('Data', data, ids.show(id))} ${renderJson('Claims', claims, ids.show(id))}
  </div>`
}

/** Of an end that is not remembered as the setting says. */
function showKept(keepEndedMs: number): string {
  return keepEndedMs === 0
    ? 'will be forgotten at once'
    : `will be remembered for ${showDuration(keepEndedMs)}`
}

function renderFact(term: string, value: Html | string): Html {
  return html`<div>
    <dt>${term}</dt>
    <dd>${value}</dd>
  </div>`
}

function renderMomentOf(term: string, at: number, now: number): Html {
  return renderFact(term, html`${showMoment(at)} <span class="faint">${showWhen(at, now)}</span>`)
}

/** One of the two clocks: how much of it has run. */
function renderTime(
  name: string,
  since: number,
  lengthMs: number,
  now: number,
  words: string,
): Html {
  const passed = Math.min(Math.max(0, now - since), lengthMs)
  return html`<div class="clock">
    <p>
      <b>${name}</b> ${showDuration(lengthMs - passed)} left of ${showDuration(lengthMs)}
      <span class="faint">${words}</span>
    </p>
    <meter
      aria-label="${name}, passed"
      min="0"
      max="${lengthMs}"
      high="${lengthMs * 0.9}"
      optimum="0"
      value="${passed}"
    ></meter>
  </div>`
}
