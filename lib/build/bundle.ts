/** Bundles the program, one file for each thread. */
import { globSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build, type BuildOptions, type Plugin } from 'esbuild'

export const ROOT = fileURLToPath(new URL('../../', import.meta.url))

export type Bundle = {
  readonly main: string
  readonly writer: string
  readonly names: string
  readonly keptFile: string
}

/** `inject` lists modules of a test that run first in each thread. */
export async function bundleProgram(folder: string, inject: readonly string[]): Promise<Bundle> {
  const main = join(folder, 'server.mjs')
  const writer = join(folder, 'writer-thread.cjs')
  const names = join(folder, 'name-watch-thread.cjs')
  const keptFile = join(folder, 'kept-file-thread.cjs')
  const shared: BuildOptions = {
    absWorkingDir: ROOT,
    bundle: true,
    platform: 'node',
    target: 'node26',
    minify: true,
    // Names stay in stack traces, which is all that an operator can send.
    keepNames: true,
    legalComments: 'inline',
    logLevel: 'warning',
    inject: [...inject],
    // The driver's other half, which nobody has installed; it is asked for only by who wants it.
    external: ['pg-native', 'cloudflare:sockets'],
    plugins: [ownAddon],
    // The binary has no files beside it: lib/base/assets.ts stands for the repository.
    define: { 'import.meta.url': 'undefined' },
  }
  // server.ts awaits at its top level, which needs a module; a thread starts from a script.
  await build({
    ...shared,
    entryPoints: ['server.ts'],
    outfile: main,
    format: 'esm',
    banner: {
      js: "import{createRequire as makeRequire}from'node:module';const require=makeRequire(process.execPath);",
    },
  })
  for (const [entry, outfile] of [
    ['lib/store-sqlite/writer/writer-thread.ts', writer],
    ['lib/store-sqlite/database/name-watch-thread.ts', names],
    ['lib/base/kept-file-thread.ts', keptFile],
  ] as const) {
    await build({ ...shared, entryPoints: [entry], outfile, format: 'cjs' })
  }
  return { main, writer, names, keptFile }
}

/** Scripts for browsers, each for itself: they import each other by their paths. */
export const BROWSER_SCRIPTS = 'lib/*/browser/**/*.ts'

/** Answers with the built files by their paths in the repository. */
export async function buildBrowserScripts(folder: string): Promise<Record<string, string>> {
  const paths = globSync(BROWSER_SCRIPTS, { cwd: ROOT }).map((path) => path.replaceAll('\\', '/'))
  await build({
    absWorkingDir: ROOT,
    entryPoints: paths,
    outdir: folder,
    outbase: '.',
    outExtension: { '.js': '.ts' },
    format: 'esm',
    target: 'es2024',
    minify: true,
    logLevel: 'warning',
  })
  return Object.fromEntries(paths.map((path) => [path, join(folder, path)]))
}

/** better-sqlite3 looks for its addon in its folder; in the binary the program unpacks it. */
const ownAddon: Plugin = {
  name: 'own addon',
  setup({ onLoad }) {
    onLoad({ filter: /better-sqlite3[\\/]lib[\\/]binding\.js$/ }, ({ path }) => ({
      contents: `export { loadAddon as getBinding } from ${JSON.stringify(join(ROOT, 'lib/store-sqlite/database/addon.ts'))}`,
      resolveDir: dirname(path),
    }))
  },
}
