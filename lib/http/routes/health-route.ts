/** `/healthz`: for whoever watches over the server. Needs no key, tells nothing of sessions. */
import type { Handler } from 'hono'
import type { Store } from '../../store/store.ts'
import { answerJson } from '../answer/answer.ts'
import type { AppEnv } from '../app-env.ts'

/**
 * 200 while sessions can be read, also where `degraded`; 503 where the storage is unreachable, or nothing can
 * be written any more until a restart. `storage` is the worst reason, in the store's own word, beside
 * the store's figures; `weaknesses` are the promises that hold only in part as the storage is set up.
 * 503 as well from the signal to stop on, so that a load balancer sends nothing here any more.
 */
export function createHealthRoute(
  store: Pick<Store, 'health'>,
  isStopping: () => boolean = () => false,
): Handler<AppEnv> {
  return () => {
    const { state, writes, reasons, weaknesses, figures } = store.health()
    const weak = weaknesses === undefined ? {} : { weaknesses }
    // control: healthz-stopping
    const status = isStopping() ? 'stopping' : state
    const body = { status, storage: reasons[0] ?? state, writes, ...weak, ...figures }
    const isServing = status === 'ok' || status === 'degraded'
    return answerJson(isServing ? 200 : 503, JSON.stringify(body))
  }
}
