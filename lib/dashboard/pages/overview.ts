/** `/dashboard`: how the server is doing, now and in the last five minutes. */
import { html } from 'hono/html'
import type { Clock } from '../../base/clock.ts'
import { CoatcheckError } from '../../base/errors.ts'
import type { AppContext } from '../../http/app-env.ts'
import type { Point } from '../../metrics/point.ts'
import type { Points } from '../../metrics/points.ts'
import type { ProcessReading } from '../../metrics/process-families.ts'
import type { Viewer } from '../../service/dashboards.ts'
import type { Sweeper } from '../../service/sweeper.ts'
import { ACTIVE_METRIC_MS } from '../../store/store-counts.ts'
import type { Store } from '../../store/store.ts'
import { answerPage } from '../answers.ts'
import type { AppCounts } from './app-counts.ts'
import { showBytes, showCount, showMs, showPart } from '../browser/numbers.ts'
import { renderChart } from '../parts/charts.ts'
import { readEvents } from '../parts/event-pages.ts'
import type { Frame, Html } from '../parts/frame.ts'
import { renderHealth } from '../parts/health.ts'
import { shownIdsFor } from '../parts/places.ts'
import { showDuration } from '../parts/words.ts'
import { type AppFigures, renderTiles } from './tiles.ts'

export type OverviewDeps = {
  readonly store: Store
  readonly points: Pick<Points, 'all'>
  readonly process: { read(): ProcessReading }
  readonly sweeper: Pick<Sweeper, 'history'>
  readonly appCounts: AppCounts
  readonly clock: Clock
  readonly frame: Frame
}

const LATEST = 8

export function createOverview(deps: OverviewDeps) {
  const { store, points, process, sweeper, appCounts, clock, frame } = deps

  function renderNote(now: number): Html {
    const [swept] = sweeper.history()
    return html`Up
    ${showDuration(process.read().upSeconds * 1_000)}${
      swept === undefined
        ? ''
        : html` · swept ${showDuration(now - swept.endedAt)} ago, ${showCount(swept.ended)} ended`
    }`
  }

  async function countIn(app: string): Promise<AppFigures> {
    const query = { app, withinMs: ACTIVE_METRIC_MS }
    const active = await store.active(query, clock.now()).catch(noneIfNotKept)
    return { app, sessions: await appCounts.count(app), active }
  }

  return async function show(c: AppContext, viewer: Viewer): Promise<Response> {
    const all = points.all()
    const { app } = viewer.backEnd
    const ofApp = app === undefined ? undefined : await countIn(app)
    const latest = await readEvents(store, viewer, { limit: LATEST })
    const content = html`<div class="grid" data-live>
      ${renderTiles(all, store.counts().sessions, ofApp)} ${renderChart('requests', all, 8)}
      ${renderStorage(store, all.at(-1))} ${renderChart('ends', all, 6)}
      ${renderChart('commits', all, 6)}
      <section
        class="card w12"
        aria-labelledby="latest"
        data-feed="${latest.newest ?? ''}"
        data-most="${LATEST}"
      >
        <div class="card-head">
          <h2 id="latest">Latest</h2>
          <a class="more" href="/dashboard/feed">All events</a>
        </div>
        ${latest.render(
          shownIdsFor(viewer.backEnd),
          clock.now(),
          html`Nothing has happened since the feed was begun. The first session shows up here.`,
        )}
      </section>
    </div>`
    const lead = renderHealth(store.health())
    const page = { title: 'Overview', lead, note: renderNote(clock.now()), content }
    return answerPage(frame.render(c, viewer, page))
  }
}

/** The activity of some apps is kept alone. */
function noneIfNotKept(error: unknown): undefined {
  if (!(error instanceof CoatcheckError && error.code === 'overloaded')) throw error
}

type Row = readonly [label: string, name: string, value: string, meter?: Html]

function fileRows(
  limit: number,
  last: Point | undefined,
  figures: Readonly<Record<string, number>>,
): readonly Row[] {
  const wal = last?.walBytes ?? figures['walBytes'] ?? 0
  const meter = renderMeter('walBytes', 'WAL', wal, limit)
  return [
    ['Data file', 'databaseBytes', showBytes(last?.databaseBytes ?? figures['databaseBytes'] ?? 0)],
    [`WAL, of ${showBytes(limit)}`, 'walBytes', showBytes(wal), meter],
  ]
}

function renderStorage(store: Store, last: Point | undefined): Html {
  const { queue, figures } = store.counts()
  // A database tells of no file.
  const limit = figures['walLimitBytes']
  const rows: readonly Row[] = [
    ...(limit === undefined ? [] : fileRows(limit, last, figures)),
    [
      `Writes waiting, of ${showCount(queue.limit)}`,
      'queue',
      showCount(queue.length),
      renderMeter('queue', 'Writes waiting', queue.length, queue.limit),
    ],
    ['Memory', 'memoryBytes', last === undefined ? '–' : showBytes(last.memoryBytes)],
    ['CPU, of one core', 'cpu', last === undefined ? '–' : showPart(last.cpu)],
    ['Event loop delay, p99', 'lag', last === undefined ? '–' : `${showMs(last.lag)} ms`],
  ]
  return html`<section class="card w4" aria-labelledby="storage">
    <div class="card-head">
      <h2 id="storage">Storage</h2>
      <a class="more" href="/dashboard/storage">Details</a>
    </div>
    <dl class="figures">
      ${rows.map(
        ([label, name, value, meter = '']) =>
          html`<div>
            <dt>${label}</dt>
            <dd><span data-gauge="${name}">${value}</span>${meter}</dd>
          </div>`,
      )}
    </dl>
  </section>`
}

function renderMeter(name: string, label: string, value: number, most: number): Html {
  const top = Math.max(1, most)
  return html`<meter
    data-meter="${name}"
    aria-label="${label}"
    min="0"
    max="${top}"
    high="${top * 0.8}"
    optimum="0"
    value="${value}"
  ></meter>`
}
