/**
 * Where this installation's own files are: what else is loaded at run time than modules.
 *
 * This file lies at the root of the build, and so does the bundle that it becomes part of: paths hold in both.
 */

/** @param path relative to the root of the build: `codec/bzip2/walk-worker.js`, `../package.json` */
export function installedFile(path: string): URL {
  return new URL(path, import.meta.url)
}
