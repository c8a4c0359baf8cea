/** What makes the pages quicker to use. Each works without it. */
import { followCharts } from './charts.ts'
import { addCopyButtons } from './copy.ts'
import { followFeed } from './feed.ts'
import { listenToKeys } from './keys.ts'
import { openLive } from './live.ts'
import { listenToThemes } from './theme.ts'

listenToKeys()
listenToThemes()
addCopyButtons()

if (document.querySelector('[data-live]') !== null) {
  const charts = followCharts()
  const feed = followFeed()
  openLive({
    onPoints: charts.set,
    onPoint: charts.add,
    onNews: () => void feed?.look(),
  })
}
