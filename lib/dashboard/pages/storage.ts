/** `/dashboard/storage`: health with the way out, sweeps, backups, and the settings in force. */
import { html } from 'hono/html'
import type { Clock } from '../../base/clock.ts'
import type { AppContext } from '../../http/app-env.ts'
import { readQueries } from '../../http/request/request.ts'
import type { Viewer } from '../../service/dashboards.ts'
import type { PastSweep, Sweeper } from '../../service/sweeper.ts'
import { isWithin } from '../../session/api-key.ts'
import type { SettingsInForce } from '../../settings/settings.ts'
import type { SettingRow } from '../../settings/setting-row.ts'
import { settingsTable } from '../../settings/settings-table.ts'
import type { Store } from '../../store/store.ts'
import { answerPage, redirect } from '../answers.ts'
import { showBytes, showCount, showMs } from '../browser/numbers.ts'
import type { Frame, Html } from '../parts/frame.ts'
import { renderHealthWords } from '../parts/health.ts'
import { renderStatus } from '../parts/notice.ts'
import type { Trail } from '../trail.ts'
import { showWhen } from '../parts/words.ts'

/** `name`: the path of the file, or the place of the database, without user and password. */
export type ShownData = { readonly kind: 'file' | 'database'; readonly name: string }

export type StoragePageDeps = {
  readonly store: Pick<Store, 'health' | 'counts'>
  readonly sweeper: Pick<Sweeper, 'sweepNow' | 'history'>
  readonly inForce: SettingsInForce
  readonly data: ShownData
  readonly clock: Clock
  readonly frame: Frame
  readonly trail: Trail
}

export function createStoragePage(deps: StoragePageDeps) {
  const { store, sweeper, inForce, data, clock, frame, trail } = deps

  return {
    show(c: AppContext, viewer: Viewer): Response {
      const health = store.health()
      // The server is not the app's.
      const isOfAll = viewer.backEnd.app === undefined
      const maySweep = isWithin(viewer.backEnd.scope, 'all') && isOfAll
      const content = html`${renderSwept(readQueries(c).get('swept'))}
        <div class="grid">
          <section class="card w6" aria-labelledby="health">
            <div class="card-head"><h2 id="health">Health</h2></div>
            ${renderHealthWords(health)} ${renderFigures(store.counts(), data)}
          </section>
          ${renderSweeps(sweeper.history(), maySweep, inForce, clock.now())}
          ${isOfAll ? html`${renderData(data)} ${renderSettings(inForce)}` : ''}
        </div>`
      const page = { title: 'Storage', content }
      return answerPage(frame.render(c, viewer, page))
    },

    async sweep(c: AppContext, viewer: Viewer): Promise<Response> {
      if (viewer.backEnd.app !== undefined) return redirect('/dashboard/storage')
      const { ended } = await sweeper.sweepNow()
      trail.swept(c, viewer.backEnd, ended)
      return redirect(`/dashboard/storage?swept=${ended}`)
    },
  }
}

function renderSwept(swept: string | undefined): Html | string {
  if (swept === undefined || !/^\d{1,12}$/.test(swept)) return ''
  const count = Number(swept)
  return renderStatus(
    count === 0
      ? 'Swept: nothing had expired.'
      : `Swept: ${count === 1 ? 'one expired session was' : `${showCount(count)} expired sessions were`} ended.`,
  )
}

function renderFigures(counts: ReturnType<Store['counts']>, { kind }: ShownData): Html {
  const { sessions, queue, figures, forgotten } = counts
  const rows = [
    ['Sessions', showCount(sessions)],
    ...(kind === 'file' ? fileFigures(figures) : databaseFigures(figures)),
    ['Writes waiting', `${showCount(queue.length)} of ${showCount(queue.limit)}`],
    ['Ends forgotten since the start', showCount(forgotten)],
  ] as const
  return html`<dl class="facts">
    ${rows.map(
      ([term, value]) =>
        html`<div>
          <dt>${term}</dt>
          <dd>${value}</dd>
        </div>`,
    )}
  </dl>`
}

type Figures = Readonly<Record<string, number>>
type Fact = readonly [term: string, value: string]

function fileFigures(figures: Figures): readonly Fact[] {
  const bytes = (name: string) => showBytes(figures[name] ?? 0)
  return [
    ['Data file', `${bytes('databaseBytes')}, of which ${bytes('databaseFreeBytes')} are free`],
    ['WAL', `${bytes('walBytes')} of ${bytes('walLimitBytes')}`],
    ['Sessions in memory', showCount(figures['hotSessions'] ?? 0)],
  ]
}

function databaseFigures(figures: Figures): readonly Fact[] {
  const ageMs = (figures['heartbeatAgeSeconds'] ?? Infinity) * 1_000
  const lastWrite = Number.isFinite(ageMs) ? `${showMs(ageMs)} ms ago` : 'none since the start'
  return [
    ['Connections to the database', showCount(figures['connections'] ?? 0)],
    ['Last write that it took', lastWrite],
    ['Its clock, ahead of this machine', `${showMs(figures['clockOffsetMs'] ?? 0)} ms`],
  ]
}

function renderSweeps(
  sweeps: readonly PastSweep[],
  maySweep: boolean,
  { texts }: SettingsInForce,
  now: number,
): Html {
  return html`<section class="card w6" aria-labelledby="sweeps">
    <div class="card-head">
      <h2 id="sweeps">Sweeps</h2>
      <span class="more">every ${texts['sweep-interval'] ?? 'minute'}</span>
    </div>
    <p class="muted">
      A sweep ends what has expired and forgets old ends. Who has expired is logged out before it,
      too.
    </p>
    ${
      maySweep
        ? html`<form class="actions" method="post" action="/dashboard/storage/sweep">
            <button>Sweep now</button>
          </form>`
        : ''
    }
    ${
      sweeps.length === 0
        ? html`<p class="empty">None is through yet.</p>`
        : html`<div class="scroll short" tabindex="0" role="group" aria-label="Sweeps">
            <table>
              <thead>
                <tr>
                  <th scope="col">When</th>
                  <th scope="col" class="number">Ended</th>
                  <th scope="col" class="number">Forgotten</th>
                  <th scope="col" class="number">Took</th>
                </tr>
              </thead>
              <tbody>
                ${sweeps.map(
                  ({ endedAt, ended, removed, seconds }) =>
                    html`<tr>
                      <td>${showWhen(endedAt, now)}</td>
                      <td class="number">${showCount(ended)}</td>
                      <td class="number">${showCount(removed)}</td>
                      <td class="number">${showMs(seconds * 1_000)} ms</td>
                    </tr>`,
                )}
              </tbody>
            </table>
          </div>`
    }
  </section>`
}

function renderData({ kind, name }: ShownData): Html {
  return kind === 'file' ? renderBackup(name) : renderDatabase(name)
}

function renderDatabase(name: string): Html {
  return html`<section class="card w12" aria-labelledby="database">
    <div class="card-head">
      <h2 id="database">Database</h2>
      <a class="more" href="/docs/postgresql#back-up">How to back up</a>
    </div>
    <p>
      All sessions are in <code>${name}</code>, which other servers may share. It is backed up with
      its own tools.
    </p>
  </section>`
}

/** The server has given up the right to open files: a command makes backups, beside it. */
function renderBackup(dataPath: string): Html {
  const backup = `${dataPath.replace(/^.*[/\\]/, '').replace(/\.db$/, '')}-backup.db`
  return html`<section class="card w12" aria-labelledby="backup">
    <div class="card-head">
      <h2 id="backup">Backup</h2>
      <a class="more" href="/docs/operating#back-up">How to restore</a>
    </div>
    <p>
      The server gave up the right to open files once it had started, so it hands none out. On its
      machine this copies the file while the server runs:
    </p>
    <pre
      tabindex="0"
      role="group"
      aria-label="The command for a backup"
    ><code data-copy>coatcheck backup --data ${dataPath} ${backup}</code></pre>
  </section>`
}

function renderSettings({ texts, from }: SettingsInForce): Html {
  const groups = Map.groupBy(settingsTable, ({ group }) => group)
  return html`<section class="card w12 settings" aria-labelledby="settings">
    <div class="card-head">
      <h2 id="settings">Settings in force</h2>
      <a class="more" href="/docs/settings">All settings</a>
    </div>
    <div class="scroll" tabindex="0" role="group" aria-label="Settings">
      <table>
        <thead>
          <tr>
            <th scope="col">Setting</th>
            <th scope="col">Value</th>
            <th scope="col">From</th>
            <th scope="col">What it is</th>
          </tr>
        </thead>
        ${[...groups].map(
          ([group, rows]) =>
            html`<tbody>
              <tr>
                <th scope="rowgroup" colspan="4">${group}</th>
              </tr>
              ${rows.map((row) => renderSetting(row, texts, from))}
            </tbody>`,
        )}
      </table>
    </div>
  </section>`
}

function renderSetting(
  { flag, description }: SettingRow,
  texts: SettingsInForce['texts'],
  from: SettingsInForce['from'],
): Html {
  const name = flag.slice(2)
  const source = from[name]
  return html`<tr>
    <td><code>${flag}</code></td>
    <td class="value">${texts[name] ?? html`<span class="faint">none</span>`}</td>
    <td>
      ${
        source === undefined
          ? html`<span class="faint">default</span>`
          : source === flag
            ? 'the command line'
            : html`<code>${source}</code>`
      }
    </td>
    <td class="about">${description}</td>
  </tr>`
}
