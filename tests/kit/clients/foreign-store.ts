/**
 * Loaded before a suite of somebody else's (`node --import`): puts our store in the place of the memory
 * stores that the suite would use. `FOREIGN_STORE_FILES` has the ends of the names of their files, with
 * commas between.
 */
import { registerHooks } from 'node:module'
import { createClient } from '../../../lib/clients/js/client.ts'
import { CoatcheckStore } from '../../../lib/clients/js/express-session.ts'

const { FOREIGN_STORE_FILES = '', COATCHECK_URL = '', COATCHECK_KEY = '' } = process.env
const files = FOREIGN_STORE_FILES.split(',')
const client = createClient<never>({ url: COATCHECK_URL, apiKey: COATCHECK_KEY })
let made = 0

/** Each has its sessions to itself, as in memory; @fastify/session's tests hand in some to begin with. */
class OwnStore extends CoatcheckStore {
  readonly #given: unknown
  #filled: Promise<unknown> | undefined

  constructor(sessions: unknown) {
    super({ client, prefix: `suite-${process.pid}-${++made}-` })
    this.#given = sessions
  }

  override get<Session>(sid: string, done: (error?: unknown, found?: Session | null) => void) {
    this.#filled ??= this.#fill()
    void this.#filled.then(() => super.get<Session>(sid, done))
  }

  #fill(): Promise<unknown> {
    const given = this.#given instanceof Map ? [...(this.#given as Map<string, object>)] : []
    return Promise.all(
      given.map(([sid, session]) => new Promise((resolve) => super.set(sid, session, resolve))),
    )
  }
}

Object.assign(globalThis, { [Symbol.for('coatcheck.store')]: OwnStore })

const SOURCE = `
const Store = globalThis[Symbol.for('coatcheck.store')]
module.exports = Store
module.exports.default = module.exports.Store = module.exports.MemoryStore = Store`

registerHooks({
  load(url, context, next) {
    if (!files.some((file) => url.endsWith(file))) return next(url, context)
    return { format: 'commonjs', source: SOURCE, shortCircuit: true }
  },
})
