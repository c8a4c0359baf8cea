/** `/dashboard/keys`: the API keys of the store, made and revoked here as by `coatcheck key`. */
import { html, raw } from 'hono/html'
import type { Clock } from '../../base/clock.ts'
import { CoatcheckError } from '../../base/errors.ts'
import { HttpError } from '../../http/answer/problem.ts'
import type { AppContext } from '../../http/app-env.ts'
import { readQueries } from '../../http/request/request.ts'
import type { BackEnd } from '../../service/api-keys.ts'
import type { Viewer } from '../../service/dashboards.ts'
import type { KeyChanges } from '../../service/key-changes.ts'
import type { KeyUses } from '../../service/key-uses.ts'
import { isKeyScope, isWithin, KEY_SCOPES, type KeyScope } from '../../session/api-key.ts'
import type { ApiKey } from '../../store/key-store.ts'
import type { Store } from '../../store/store.ts'
import { answerPage, redirect } from '../answers.ts'
import type { Form, ReadForm } from '../forms.ts'
import type { Frame, Html } from '../parts/frame.ts'
import { renderStatus } from '../parts/notice.ts'
import type { Trail } from '../trail.ts'
import { renderTag, showWhen } from '../parts/words.ts'

export type KeysPageDeps = {
  readonly store: Pick<Store, 'keys'>
  readonly keyChanges: KeyChanges
  readonly keyUses: Pick<KeyUses, 'lastUsedAt'>
  readonly clock: Clock
  readonly frame: Frame
  readonly readForm: ReadForm
  readonly trail: Trail
}

/** What the form of a new key has in it, and why it was refused. */
type Draft = {
  readonly name: string
  readonly scope: KeyScope
  readonly app: string
  readonly refusal?: string
}

const EMPTY: Draft = { name: '', scope: 'all', app: '' }

const SCOPE_WORDS: Readonly<Record<KeyScope, string>> = {
  all: 'all: everything',
  read: 'read: lists, the feed, this dashboard without its buttons',
  metrics: 'metrics: the numbers for Prometheus alone',
}

export function createKeysPage(deps: KeysPageDeps) {
  const { store, keyChanges, keyUses, clock, frame, readForm, trail } = deps

  /** A key of an app knows of the keys of that app alone. */
  async function readKeys({ app }: BackEnd): Promise<readonly ApiKey[]> {
    const keys = await store.keys.list()
    return app === undefined ? keys : keys.filter((key) => key.app === app)
  }

  async function answer(
    c: AppContext,
    viewer: Viewer,
    top: Html | string,
    draft = EMPTY,
    status = 200,
  ): Promise<Response> {
    const keys = await readKeys(viewer.backEnd)
    const now = clock.now()
    const mayChange = isWithin(viewer.backEnd.scope, 'all')
    const content = html`${top} ${renderList(keys, viewer.backEnd, mayChange, now)}
    ${mayChange ? renderNew(draft, viewer.backEnd) : ''} ${renderRevoked(keys, now)}`
    return answerPage(frame.render(c, viewer, { title: 'API keys', content }), status)
  }

  function lastUsedAt({ hash, lastUsedAt: kept = 0 }: ApiKey): number | undefined {
    return Math.max(kept, keyUses.lastUsedAt(hash) ?? 0) || undefined
  }

  function renderList(
    keys: readonly ApiKey[],
    backEnd: BackEnd,
    mayChange: boolean,
    now: number,
  ): Html {
    const inForce = keys.filter(({ revokedAt }) => revokedAt === null)
    return html`<section class="card" aria-labelledby="list">
      <div class="card-head"><h2 id="list">In force</h2></div>
      ${
        inForce.length === 0
          ? html`<p class="empty">
              The store keeps no key. You logged in with one of the environment
              (<code>COATCHECK_API_KEY</code>) or of the key file.
            </p>`
          : html`<div class="scroll" tabindex="0" role="group" aria-label="API keys">
              <table class="rows">
                <thead>
                  <tr>
                    <th scope="col">Name</th>
                    <th scope="col">May</th>
                    <th scope="col">App</th>
                    <th scope="col">Made</th>
                    <th scope="col">Last used</th>
                    ${mayChange ? html`<th scope="col"><span class="unseen">Revoke</span></th>` : ''}
                  </tr>
                </thead>
                <tbody>
                  ${inForce.map((key) => {
                    const usedAt = lastUsedAt(key)
                    return html`<tr>
                      <td class="user">
                        ${key.name}${key.name === backEnd.name ? html` <span class="faint">you</span>` : ''}
                      </td>
                      <td>${renderTag(key.scope, key.scope === 'all' ? 'accent' : 'plain')}</td>
                      <td>${key.app ?? html`<span class="faint">all</span>`}</td>
                      <td>${showWhen(key.createdAt, now)}</td>
                      <td>
                        ${
                          usedAt === undefined
                            ? html`<span class="faint">never</span>`
                            : showWhen(usedAt, now)
                        }
                      </td>
                      ${mayChange ? html`<td class="act">${renderRevoke(key, backEnd)}</td>` : ''}
                    </tr>`
                  })}
                </tbody>
              </table>
            </div>`
      }
      <p class="muted small-print">
        Last use is written once a minute. Keys of <code>COATCHECK_API_KEY</code> and of the key
        file are not in this list: they are changed where they are written.
      </p>
    </section>`
  }

  return {
    show(c: AppContext, viewer: Viewer): Promise<Response> {
      const revoked = readQueries(c).get('revoked')
      const notice =
        revoked === undefined
          ? ''
          : renderStatus(html`The key <b>${revoked}</b> is revoked, with the next request already.`)
      return answer(c, viewer, notice)
    },

    async make(c: AppContext, viewer: Viewer): Promise<Response> {
      const draft = readDraft(await readForm(c), viewer.backEnd)
      try {
        const app = draft.app === '' ? undefined : draft.app
        const { key, made } = await keyChanges.make({ ...draft, app })
        trail.keyMade(c, viewer.backEnd, made)
        return await answer(c, viewer, renderMade(made.name, key))
      } catch (error) {
        if (!(error instanceof CoatcheckError && error.code === 'invalid_argument')) throw error
        return await answer(c, viewer, '', { ...draft, refusal: error.message }, 422)
      }
    },

    async revoke(c: AppContext, viewer: Viewer): Promise<Response> {
      const hash = (await readForm(c)).get('hash')
      const key = (await readKeys(viewer.backEnd)).find((one) => one.hash === hash)
      const revoked = key === undefined ? undefined : await keyChanges.revoke(key.hash)
      if (revoked === undefined) {
        throw new HttpError('route_not_found', 'Cannot revoke this key: none like it is in force')
      }
      trail.keyRevoked(c, viewer.backEnd, revoked, clock.now())
      return redirect(`/dashboard/keys?revoked=${encodeURIComponent(revoked.name)}`)
    },
  }
}

function readDraft(form: Form, { app }: BackEnd): Draft {
  const scope = form.get('scope')
  return {
    name: form.get('name'),
    scope: isKeyScope(scope) ? scope : 'read',
    // control: key-of-own-app
    app: app ?? form.get('app'),
  }
}

function renderMade(name: string, key: string): Html {
  return html`<section class="card made" role="status" aria-labelledby="made">
    <div class="card-head"><h2 id="made">The key “${name}”</h2></div>
    <p>Copy it now: it is shown this once, and only its hash is kept.</p>
    <p class="secret"><code data-copy>${key}</code></p>
  </section>`
}

function renderRevoke({ name, hash }: ApiKey, backEnd: BackEnd): Html {
  const id = `revoke-${hash.slice(0, 16)}`
  return html`<button type="button" class="small" popovertarget="${id}">
      Revoke<span class="unseen"> the key ${name}</span>
    </button>
    <div id="${id}" class="sheet" popover role="dialog" aria-label="Revoke a key">
      <form method="post" action="/dashboard/keys/revoke">
        <input type="hidden" name="hash" value="${hash}" />
        <h2>Revoke “${name}”?</h2>
        <p class="muted">
          It is refused with the next request, for good, and dashboards that were opened with it are
          logged out${name === backEnd.name ? html`: <b>this one, too</b>` : ''}. Another key may
          have its name then.
        </p>
        <p class="actions">
          <button type="button" popovertarget="${id}" popovertargetaction="hide">Keep it</button>
          <button class="bad filled">Revoke it</button>
        </p>
      </form>
    </div>`
}

function renderNew({ name, scope, app, refusal }: Draft, backEnd: BackEnd): Html {
  return html`<form class="card new" method="post" action="/dashboard/keys" aria-labelledby="new">
    <div class="card-head"><h2 id="new">A new key</h2></div>
    ${refusal === undefined ? '' : html`<p class="refusal" role="alert">${refusal}.</p>`}
    <div class="fields">
      <p>
        <label for="name">Name</label>
        <input
          id="name"
          name="name"
          value="${name}"
          required
          maxlength="64"
          pattern="[\\w.\\-]{1,64}"
          title="1 to 64 of A-Z a-z 0-9 . _ -"
          autocomplete="off"
          placeholder="shop-backend"
        />
      </p>
      <p>
        <label for="scope">May</label>
        <select id="scope" name="scope">
          ${KEY_SCOPES.map(
            (one) =>
              html`<option value="${one}" ${one === scope ? raw('selected') : ''}>
                ${SCOPE_WORDS[one]}
              </option>`,
          )}
        </select>
      </p>
      ${
        backEnd.app === undefined
          ? html`<p>
              <label for="app">App</label>
              <input
                id="app"
                name="app"
                value="${app}"
                maxlength="32"
                pattern="[a-z0-9][a-z0-9\\-]*"
                title="1 to 32 of a-z 0-9 -, a dash not first"
                autocomplete="off"
                placeholder="all apps"
              />
            </p>`
          : html`<p class="muted">For the app <b>${backEnd.app}</b> alone.</p>`
      }
      <p><button class="primary">Make the key</button></p>
    </div>
  </form>`
}

function renderRevoked(keys: readonly ApiKey[], now: number): Html | string {
  const revoked = keys.filter(({ revokedAt }) => revokedAt !== null)
  if (revoked.length === 0) return ''
  return html`<details class="card revoked">
    <summary>Revoked keys, ${revoked.length}</summary>
    <ul>
      ${revoked.map(
        ({ name, scope, revokedAt }) =>
          html`<li>
            ${name} <span class="faint">${scope}</span> ${showWhen(revokedAt ?? 0, now)}
          </li>`,
      )}
    </ul>
  </details>`
}
