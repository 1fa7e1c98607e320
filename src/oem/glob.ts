/**
 * Path patterns for lists of vendor files: `*` stands for one name or a part of one, `**` at the end for everything below.
 */

/** Whether an absolute path (`/bin/tool`) matches a pattern without its leading slash (`bin/*`). */
export function matchesPattern(path: string, pattern: string): boolean {
  return regExpOf(pattern).test(path.slice(1))
}

function regExpOf(pattern: string): RegExp {
  const source = pattern
    .split('/')
    .map((name) => (name === '**' ? '.+' : name.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '[^/]*')))
    .join('/')
  return new RegExp(`^${source}$`, 's')
}
