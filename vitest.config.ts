import { defineConfig } from 'vitest/config'

// Tests run against the build (`#src/*` is `dist/*`), so that workers and the command line are what users get.
export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // The long ones have a command of their own: scripts/test-full.
    exclude: ['test/full/**'],
    // No run remembers anything of another one, unless a test says where.
    // Nor does what is printed depend on where the tests run.
    env: { XDG_CACHE_HOME: '/dev/null', GITHUB_ACTIONS: '' },
    globalSetup: ['test/support/global-setup.ts'],
    // Two cores, and an appliance wants one: files run two at a time.
    maxWorkers: 2,
    testTimeout: 120_000,
    hookTimeout: 300_000,
  },
})
