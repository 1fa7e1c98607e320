import { existsSync } from 'node:fs'
import { missingJudges } from './judges.js'

/** Runs once before all tests: a missing judge is an error, never a skipped test. */
export function setup(): void {
  if (!existsSync(new URL('../../dist/errors.js', import.meta.url))) {
    throw new Error('dist/ is missing: run npm test, or npm run build first')
  }
  const missing = missingJudges()
  if (missing.length > 0) {
    throw new Error(`tests need ${missing.join(', ')}; run ./scripts/test, which installs them`)
  }
}
