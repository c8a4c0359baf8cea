/** The pages of the manual by name: what `coatcheck help TOPIC` can show. */
import { listAssets, readAsset } from '../base/assets.ts'
import { wrap } from '../command-line/wrap.ts'

const FOLDER = 'lib/manual/'
const ENDING = '.md'

/** Sorted. */
export function listTopics(): string[] {
  return listAssets(FOLDER)
    .filter((path) => path.endsWith(ENDING))
    .map((path) => path.slice(FOLDER.length, -ENDING.length))
}

/** The name of a topic, however it is written: `api`, `API`, `api.md`; undefined for none. */
export function findTopic(word: string): string | undefined {
  const name = word.toLowerCase()
  const topic = name.endsWith(ENDING) ? name.slice(0, -ENDING.length) : name
  return listTopics().find((known) => known === topic)
}

/** The page of a topic, in Markdown. */
export function readTopic(topic: string): string {
  return readAsset(`${FOLDER}${topic}${ENDING}`)
}

/** The end of the general help: short, so that a terminal still shows the commands before it. */
export function renderTopics(): string {
  return [
    'Topics of the manual, each by coatcheck help TOPIC:',
    ...wrap(listTopics().join(' '), '  '),
    '',
  ].join('\n')
}
