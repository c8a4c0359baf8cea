/** What the pages are made of besides HTML: the style, the browser's scripts, the icon. */
import { readAsset } from '../base/assets.ts'
import { readBrowserScripts } from '../base/browser-scripts.ts'
import { contentTag } from '../http/answer/answer.ts'
import { PAGE_HEADERS } from './answers.ts'

const SCRIPTS = 'lib/dashboard/browser/'

export type DashboardAssets = {
  /** The paths for pages: they have the version in them, so that a browser keeps what is behind them. */
  readonly style: string
  readonly script: string
  /** Undefined where there is nothing at this path. */
  find(path: string): Response | undefined
}

type Asset = { readonly type: string; readonly text: string }

/**
 * Reads all files. To be called before the permissions are dropped; what is made of them is made when the
 * first page is.
 */
export function readAssets(): DashboardAssets {
  const style = ['lib/docs/tokens.css', 'lib/dashboard/style.css'].map(readAsset).join('\n')
  const scripts = readBrowserScripts(SCRIPTS)
  let made: ReturnType<typeof makeAssets> | undefined
  const make = () => (made ??= makeAssets(style, scripts))

  return {
    get style() {
      return `${make().folder}style.css`
    },
    get script() {
      return `${make().folder}dashboard.ts`
    },
    find(path) {
      const asset = make().assets.get(path)
      if (asset === undefined) return undefined
      return new Response(asset.text, {
        headers: {
          ...PAGE_HEADERS,
          'Content-Type': asset.type,
          'Cache-Control': 'public, max-age=31536000, immutable',
          Vary: 'Accept-Encoding',
        },
      })
    },
  }
}

function makeAssets(style: string, scripts: ReadonlyMap<string, () => string>) {
  const texts = [...scripts].map(([name, textOf]) => [name, textOf()] as const)
  const version = contentTag([style, ...texts.flat()].join('\0')).slice(1, -1)
  // A script imports its neighbours by relative paths, so the version is a folder of all of them.
  const folder = `/dashboard/assets/${version}/`
  const assets = new Map<string, Asset>([
    [`${folder}style.css`, { type: 'text/css; charset=utf-8', text: style }],
    ...texts.map(
      ([name, text]) => [folder + name, { type: 'text/javascript; charset=utf-8', text }] as const,
    ),
  ])
  return { folder, assets }
}
