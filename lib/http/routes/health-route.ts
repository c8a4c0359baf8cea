/** `/healthz`: for whoever watches over the server; tells nothing of sessions, and needs no key. */
import type { Handler } from 'hono'
import type { Store } from '../../store/store.ts'
import { answerJson } from '../answer/answer.ts'
import type { AppEnv } from '../app-env.ts'

/**
 * 200 while the server does all of its work or, `degraded`, a part of it; 503 once nothing can be
 * written any more, for good. `storage` is the store's own word, `logBytes` the length of its log.
 */
export function createHealthRoute(store: Pick<Store, 'health'>): Handler<AppEnv> {
  return () => {
    const { state, logBytes } = store.health()
    const status = state === 'ok' ? 'ok' : state === 'failed' ? 'failed' : 'degraded'
    const body = JSON.stringify({ status, storage: state, logBytes })
    return answerJson(state === 'failed' ? 503 : 200, body)
  }
}
