import { defineConfig } from 'vitest/config'

// The long checks, one at a time: full-size images and hundreds of kills want the machine to themselves.
export default defineConfig({
  test: {
    include: ['test/full/**/*.test.ts'],
    // No run remembers anything of another one, unless a test says where.
    env: { XDG_CACHE_HOME: '/dev/null', GITHUB_ACTIONS: '' },
    globalSetup: ['test/support/global-setup.ts'],
    fileParallelism: false,
    testTimeout: 3_600_000,
    hookTimeout: 3_600_000,
  },
})
