import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { allOrNone, type RunningServer } from './process/spawn-server.ts'

const test = suite('servers started at once')

test('where one does not start, those that did are ended first', async () => {
  const end = Promise.withResolvers<void>()
  const killed: string[] = []
  const started = {
    kill: (signal: string) => {
      killed.push(signal)
      setImmediate(() => end.resolve())
    },
    ended: end.promise,
  } as unknown as RunningServer
  const starting = [Promise.reject(new Error('no')), Promise.resolve(started)]
  const refused = await allOrNone<RunningServer[]>(starting).catch(String)
  assert.is(refused, 'Error: no')
  assert.equal(killed, ['SIGKILL'])
})

test.run()
