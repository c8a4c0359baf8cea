import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { Contender } from './contender.ts'
import { portOf, startProcess } from '../machine/processes.ts'
import { verifyApi } from '../data/session-api.ts'

/** The contender that the present code is held against. */
export const BEFORE = 'before'

export const coatcheck: Contender = {
  name: 'coatcheck',
  title: 'Coatcheck',
  ...runFrom(fileURLToPath(new URL('../../..', import.meta.url))),
}

/** The same of another checkout, such as one of the commit before a change, with its packages. */
export function coatcheckAt(folder: string): Contender {
  return { name: BEFORE, title: 'Coatcheck before', ...runFrom(folder) }
}

/** As \`npm start\` runs it there, with the default settings. */
function runFrom(checkout: string): Omit<Contender, 'name' | 'title'> {
  return {
    keptIn: 'disk',
    api: verifyApi,
    findMissing: () => Promise.resolve(undefined),
    async start({ cores, folder, add }) {
      const flags = await import(pathToFileURL(join(checkout, 'lib/program/node-flags.js')).href)
      const settings = ['--port', '0', '--data', join(folder, 'sessions.db')]
      const command = [
        process.execPath,
        ...flags.nodeFlags,
        join(checkout, 'server.ts'),
        ...settings,
      ]
      return await portOf(add(startProcess(command, { cores })))
    },
  }
}
