/**
 * The Packer plugin as one file that runs wherever it is put: Packer copies exactly one file into its own tree.
 *
 * It holds no `import` and no `require`, so that it runs as a module and as CommonJS: which one Node takes a file without
 * extension for depends on a package.json that may lie in any folder above. Node's own modules come by
 * `process.getBuiltinModule`. The program that bakes is not in it (`src/packer/program.ts`).
 */
import { chmodSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'esbuild'

const ROOT = join(import.meta.dirname, '..')

/** Of the package. */
export const VERSION = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')).version

const BUILTINS = {
  name: 'builtins',
  setup({ onLoad, onResolve }) {
    onResolve(
      {
        filter:
          /^(?:node:)?(?:assert|child_process|crypto|events|fs|fs\/promises|net|os|path|process|stream|stream\/promises|tty|url|util|worker_threads|zlib)$/,
      },
      ({ path }) => ({
        path: path.replace(/^(?:node:)?/, 'node:'),
        namespace: 'builtin',
      }),
    )
    onLoad({ filter: /.*/, namespace: 'builtin' }, ({ path }) => ({
      contents: `module.exports = process.getBuiltinModule(${JSON.stringify(path)})`,
      loader: 'js',
    }))
  },
}

/** @param outfile is made executable */
export async function bundlePackerPlugin(outfile) {
  await build({
    entryPoints: [join(ROOT, 'dist', 'packer', 'start.js')],
    outfile,
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'iife',
    plugins: [BUILTINS],
    define: { OEM_BAKE_VERSION: JSON.stringify(VERSION) },
    // What it says of itself is that this format has no import.meta; nothing that the plugin calls reads it.
    logOverride: { 'empty-import-meta': 'silent' },
    legalComments: 'inline',
    logLevel: 'warning',
  })
  chmodSync(outfile, 0o755)
}
