/** The four numbers at the top of the overview. */
import { html } from 'hono/html'
import type { Point } from '../../metrics/point.ts'
import type { ActiveCount } from '../../session/recent-activity.ts'
import { figuresOf } from '../browser/chart-series.ts'
import { showCount } from '../browser/numbers.ts'
import type { Html } from '../parts/frame.ts'

/** What is counted apart for those who see one app alone. */
export type AppFigures = {
  readonly app: string
  /** Undefined where it is not counted yet. */
  readonly sessions: number | undefined
  /** Undefined where it is not counted for this app. */
  readonly active: ActiveCount | undefined
}

/** `sessions`: how many the server has; `ofApp`: undefined for those who see all apps. */
export function renderTiles(
  points: readonly Point[],
  sessions: number,
  ofApp: AppFigures | undefined,
): Html {
  const figures = { ...NONE, sessions: showCount(sessions), ...figuresOf(points) }
  const live = (name: keyof typeof figures) =>
    html`<span data-figure="${name}">${figures[name]}</span>`
  return html`${
    ofApp === undefined
      ? renderTile('Live sessions', live('sessions'), html`${live('change')} last minute`)
      : renderSessionsOf(ofApp)
  }
  ${
    ofApp === undefined
      ? renderTile('Active users', live('activeUsers'), ABOUT)
      : renderActiveOf(ofApp)
  }
  ${renderTile(
    'Requests',
    html`${live('requests')}<small>/s</small>`,
    html`${live('reads')} reads, ${live('writes')} writes`,
  )}
  ${renderTile(
    'Latency, p99',
    html`${live('p99')}<small>ms</small>`,
    html`median ${live('p50')} ms`,
  )}`
}

const NONE = {
  ...{ sessions: '0', change: '0', activeUsers: '0' },
  ...{ requests: '0', reads: '0', writes: '0', p99: '–', p50: '–' },
}

function renderSessionsOf({ app, sessions }: AppFigures): Html {
  return sessions === undefined
    ? renderTile(`Sessions in ${app}`, '…', 'being counted')
    : renderTile(`Sessions in ${app}`, showCount(sessions), 'counted last minute')
}

function renderActiveOf({ active }: AppFigures): Html {
  return active === undefined
    ? renderTile('Active users', '–', 'not counted for this app')
    : renderTile('Active users', showCount(active.users), ABOUT)
}

const ABOUT = 'about, last 5 min'

function renderTile(label: string, value: Html | string, more: Html | string): Html {
  return html`<section class="card tile w3">
    <h2>${label}</h2>
    <p class="value">${value}</p>
    <p class="more">${more}</p>
  </section>`
}
