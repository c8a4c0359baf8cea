/**
 * `npm run build:client` makes `dist/coatcheck-client`, the package of the JavaScript client as it is
 * published: plain JavaScript with types, for `import` and for `require`, file by file as in the sources.
 */
import { execFileSync } from 'node:child_process'
import { cpSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { transform } from 'esbuild'
import { ROOT } from './bundle.ts'

const SOURCES = join(ROOT, 'lib/clients/js')

/** What can be imported: `coatcheck-client` and `coatcheck-client/NAME`. */
export const ENTRIES = ['client', 'express-session', 'express', 'hono', 'better-auth'] as const

/**
 * As `.js` for `require`, so that a resolution that knows no "exports" finds it, and as `.mjs` for
 * `import`.
 */
const FORMATS = [
  { format: 'cjs', code: '.js', types: '.d.ts' },
  { format: 'esm', code: '.mjs', types: '.d.mts' },
] as const

/** Writes the package into `folder`, which is emptied before. */
export async function buildClientPackage(folder: string): Promise<void> {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  const files = globSync('**/*.ts', { cwd: SOURCES }).sort()
  for (const file of files) {
    const source = readFileSync(join(SOURCES, file), 'utf8')
    for (const { format, code } of FORMATS) {
      const { code: text } = await transform(withEndings(source, code), {
        loader: 'ts',
        format,
        platform: 'node',
        target: 'node20',
        sourcefile: file,
      })
      write(folder, file, code, text)
    }
  }
  const declarations = join(folder, '.types')
  emitDeclarations(declarations)
  for (const file of files) {
    const text = readFileSync(join(declarations, file.replace(/\.ts$/, '.d.ts')), 'utf8')
    for (const { code, types } of FORMATS) write(folder, file, types, withEndings(text, code))
  }
  rmSync(declarations, { recursive: true })
  cpSync(join(SOURCES, 'README.md'), join(folder, 'README.md'))
  cpSync(join(ROOT, 'LICENSE'), join(folder, 'LICENSE'))
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(manifest(), null, 2)}\n`)
}

function manifest(): object {
  const { version, license } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    version: string
    license: string
  }
  const entry = (name: string) => ({
    import: { types: `./${name}.d.mts`, default: `./${name}.mjs` },
    require: { types: `./${name}.d.ts`, default: `./${name}.js` },
  })
  return {
    name: 'coatcheck-client',
    version,
    description:
      'The client of Coatcheck, a session server: for Express, Hono, Fastify, better-auth, or by itself',
    keywords: [
      'session',
      'cookie',
      'express-session',
      'fastify',
      'hono',
      'better-auth',
      'coatcheck',
    ],
    license,
    type: 'commonjs',
    engines: { node: '>=20' },
    sideEffects: false,
    main: './client.js',
    module: './client.mjs',
    types: './client.d.ts',
    exports: Object.fromEntries([
      ...ENTRIES.map((name) => [name === 'client' ? '.' : `./${name}`, entry(name)]),
      ['./package.json', './package.json'],
    ]),
    // For its types alone.
    peerDependencies: { hono: '>=4' },
    peerDependenciesMeta: { hono: { optional: true } },
  }
}

/** Imports of the package's own files, by the names that they have when they are published. */
function withEndings(text: string, ending: string): string {
  return text.replace(/(from|import\()(\s*['"]\.{1,2}\/[^'"]+)\.ts(['"])/g, `$1$2${ending}$3`)
}

function write(folder: string, file: string, ending: string, text: string): void {
  const path = join(folder, file.replace(/\.ts$/, ending))
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, text)
}

/** With the library of Node 20: a newer built-in is a type error here. */
function emitDeclarations(folder: string): void {
  const tsc = join(ROOT, 'node_modules/typescript/bin/tsc')
  const config = `${folder}.json`
  writeFileSync(
    config,
    JSON.stringify({
      extends: join(ROOT, 'tsconfig.json'),
      compilerOptions: {
        target: 'es2023',
        lib: ['es2023'],
        noEmit: false,
        declaration: true,
        emitDeclarationOnly: true,
        stripInternal: true,
        rootDir: SOURCES,
        outDir: folder,
        types: [join(ROOT, 'node_modules/@types/node')],
      },
      include: [join(SOURCES, '**/*.ts')],
    }),
  )
  try {
    execFileSync(process.execPath, [tsc, '-p', config], { cwd: ROOT, stdio: 'pipe' })
  } catch (error) {
    throw new Error(`Cannot make the types: ${String((error as { stdout?: unknown }).stdout)}`, {
      cause: error,
    })
  } finally {
    rmSync(config)
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const folder = join(ROOT, 'dist/coatcheck-client')
  await buildClientPackage(folder)
  process.stdout.write(
    `dist/coatcheck-client: ${ENTRIES.length} entries; npm pack makes the tarball\n`,
  )
}
