/**
 * A process that opens a session and stays in it, to be killed: `session-child.ts WORK-DIRECTORY IMAGE`.
 * It prints `mounted` once it is in, or the code of the error that kept it out, and those of warnings before that.
 */
import { withGuestfish } from '#src/engine/libguestfs/launch.js'
import { OemBakeError } from '#src/errors.js'
import type { ProgressEvent } from '#src/progress.js'

const [workDirectory = '', image = ''] = process.argv.slice(2)
const context = {
  signal: new AbortController().signal,
  report: (event: ProgressEvent) => {
    if (event.kind === 'warning') process.stdout.write(`${event.code}\n`)
  },
  env: process.env,
  workDirectory,
}

try {
  await withGuestfish([{ path: image, readOnly: false }], context, async (session) => {
    await session.mkmountpoint('/m')
    await session.mountOptions('', '/dev/sda', '/m')
    process.stdout.write('mounted\n')
    await session.call('debug', ['sh', 'sleep 1000'])
  })
} catch (error) {
  process.stdout.write(`${error instanceof OemBakeError ? error.code : String(error)}\n`)
}
