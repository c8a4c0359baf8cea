import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { nodeFlags } from '../../../lib/node-flags.js'
import type { Contender } from '../contender.ts'
import { portOf, startProcess } from '../processes.ts'
import { verifyApi } from '../session-api.ts'

const SERVER = fileURLToPath(new URL('../../../server.ts', import.meta.url))

/** As `npm start` runs it, with the default settings. */
export const coatcheck: Contender = {
  name: 'coatcheck',
  title: 'Coatcheck',
  keptIn: 'disk',
  api: verifyApi,
  findMissing: () => Promise.resolve(undefined),
  async start({ cores, folder, add }) {
    const settings = ['--port', '0', '--data', join(folder, 'sessions.db')]
    const command = [process.execPath, ...nodeFlags, SERVER, ...settings]
    return await portOf(add(startProcess(command, { cores })))
  },
}
