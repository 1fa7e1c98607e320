/**
 * One at a time: two runs that publish under one name take turns.
 *
 * Each step of publishing is safe by itself, but a run that fails takes its steps back, and between looking whose a name
 * is and giving it another file no system call stands that Node has. So a run holds a socket in Linux's abstract namespace
 * (unix(7)) meanwhile: nobody else can listen on its name, and it is gone with the process, however that ends, where a
 * lock file would stay behind. It is a courtesy, not a condition: other systems have no such names, another container has
 * its own, and whoever holds one for too long is not waited for.
 */
import { createHash } from 'node:crypto'
import { stat } from 'node:fs/promises'
import { createServer, type Server } from 'node:net'
import { basename, dirname } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'

/** Publishing takes some milliseconds, and a sync of the directory on a busy disk a few seconds. */
const PATIENCE_MS = 20_000
const PAUSE_MS = 20

/** Does something while no other run does the same for this path. */
export async function inTurn<T>(path: string, work: () => Promise<T>): Promise<T> {
  const held = await waitForTurn(await nameOf(path))
  try {
    return await work()
  } finally {
    held?.close()
  }
}

/** By the directory's identity: it may be reached in many ways. Undefined where that can't be told. */
async function nameOf(path: string): Promise<string | undefined> {
  const found = await stat(dirname(path), { bigint: true }).catch(() => undefined)
  if (found === undefined || process.platform !== 'linux') return undefined
  const key = createHash('sha256')
    .update(`${found.dev} ${found.ino} ${basename(path)}`)
    .digest('hex')
  return `\0oem-bake-publish-${key}`
}

async function waitForTurn(name: string | undefined): Promise<Server | undefined> {
  if (name === undefined) return undefined
  const untilMs = performance.now() + PATIENCE_MS
  for (;;) {
    const held = await listen(name)
    if (held !== 'taken' || performance.now() > untilMs) return held === 'taken' ? undefined : held
    await pause(PAUSE_MS)
  }
}

/** @returns undefined where there are no such names */
function listen(name: string): Promise<Server | 'taken' | undefined> {
  return new Promise((resolve) => {
    // Nobody is listened to: the name is all that counts.
    const server = createServer((socket) => socket.destroy()).unref()
    server.on('error', (error: NodeJS.ErrnoException) => resolve(error.code === 'EADDRINUSE' ? 'taken' : undefined))
    server.listen({ path: name, exclusive: true }, () => resolve(server))
  })
}
