import { expect, it } from 'vitest'
import { cacheDirectory } from '#src/cache-directory.js'

it('the cache is below XDG_CACHE_HOME, else ~/.cache, else nowhere; a relative path does not count', () => {
  expect(cacheDirectory({ XDG_CACHE_HOME: '/x', HOME: '/h' })).toBe('/x/oem-bake')
  expect(cacheDirectory({ HOME: '/h' })).toBe('/h/.cache/oem-bake')
  expect(cacheDirectory({ XDG_CACHE_HOME: 'x', HOME: '/h' })).toBe('/h/.cache/oem-bake')
  expect(cacheDirectory({ XDG_CACHE_HOME: '', HOME: 'h' })).toBeUndefined()
  expect(cacheDirectory({})).toBeUndefined()
})
