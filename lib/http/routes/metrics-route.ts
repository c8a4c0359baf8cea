/** `/metrics`: numbers for Prometheus and whoever reads its formats. */
import { accepts } from 'hono/accepts'
import { CONTENT_TYPES, type Exposition } from '../../metrics/exposition.ts'
import type { Metrics } from '../../metrics/metrics.ts'
import { SAFE_HEADERS } from '../answer/answer.ts'
import type { AppContext } from '../app-env.ts'
import type { Handlers } from './routes.ts'

const OPENMETRICS = 'application/openmetrics-text'
const PROMETHEUS = 'text/plain'

export function createMetricsRoute(metrics: Pick<Metrics, 'render'>): Handlers['getMetrics'] {
  return (c) => {
    const exposition = expositionFor(c)
    return new Response(metrics.render(exposition), {
      headers: { ...SAFE_HEADERS, 'Content-Type': CONTENT_TYPES[exposition] },
    })
  }
}

/** OpenMetrics where it is preferred by name: a browser, and curl, take anything. */
function expositionFor(c: AppContext): Exposition {
  const supports = [PROMETHEUS, OPENMETRICS]
  const type = accepts(c, { header: 'Accept', supports, default: PROMETHEUS })
  return type === OPENMETRICS ? 'openmetrics' : 'prometheus'
}
