/** `/healthz`: for whoever watches over the server. Needs no key, tells nothing of sessions. */
import type { Handler } from 'hono'
import type { Store } from '../../store/store.ts'
import { answerJson } from '../answer/answer.ts'
import type { AppEnv } from '../app-env.ts'

/**
 * 200 while sessions can be read, also where `degraded`; 503 where the storage is unreachable, or nothing can
 * be written any more until a restart. `storage` is the worst reason, in the store's own word, beside
 * the store's figures.
 */
export function createHealthRoute(store: Pick<Store, 'health'>): Handler<AppEnv> {
  return () => {
    const { state, writes, reasons, figures } = store.health()
    const body = { status: state, storage: reasons[0] ?? state, writes, ...figures }
    const isServing = state === 'ok' || state === 'degraded'
    return answerJson(isServing ? 200 : 503, JSON.stringify(body))
  }
}
