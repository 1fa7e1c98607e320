import { spawn } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { temporaryDirectory } from '../../support/temp.js'
import { engineContext } from './context.js'
import { makeExt4 } from './partitions.js'
import { processWithArguments, untilNothingIsLeft } from './traces.js'

const directory = temporaryDirectory()
const image = makeExt4(directory, 'kill.img')
const CHILD = new URL('./session-child.ts', import.meta.url).pathname

function startChild() {
  const { context } = engineContext(directory)
  const child = spawn(process.execPath, ['--import', 'tsx', CHILD, directory, image], {
    env: context.env,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const said = new Promise<string>((resolve) => child.stdout.once('data', (bytes: Buffer) => resolve(bytes.toString())))
  const exited = new Promise((resolve) => child.once('exit', resolve))
  const kill = async () => {
    child.kill('SIGKILL')
    await exited
  }
  return { said, kill }
}

/** Temporary files of the session, as opposed to the run's own, which the next run removes. */
function sessionDirectories(): readonly string[] {
  return readdirSync(directory).filter((name) => name.startsWith('guestfish-'))
}

describe('after a SIGKILL of the main process', () => {
  it('nothing is left when the supervisor has only just started', async () => {
    const sinceMs = Date.now()
    const child = startChild()
    await processWithArguments(directory, /supervisor\.js/)
    await child.kill()
    await untilNothingIsLeft(directory, sinceMs)
    expect(sessionDirectories()).toEqual([])
  })

  it('nothing is left when the appliance is booting', async () => {
    const sinceMs = Date.now()
    const child = startChild()
    await processWithArguments(directory, /\0-kernel\0/)
    await pause(1000)
    await child.kill()
    await untilNothingIsLeft(directory, sinceMs)
    expect(sessionDirectories()).toEqual([])
  })

  it('nothing is left when a command is running in the appliance', async () => {
    const sinceMs = Date.now()
    const child = startChild()
    expect(await child.said).toBe('mounted\n')
    await child.kill()
    await untilNothingIsLeft(directory, sinceMs)
    expect(sessionDirectories()).toEqual([])
  })

  it('nothing is left when guestfish is killed with it', async () => {
    const sinceMs = Date.now()
    const child = startChild()
    await processWithArguments(directory, /\0-kernel\0/)
    await pause(1000)
    const guestfish = await processWithArguments(directory, /^[^\0]*\/guestfish\0--verbose/)
    process.kill(guestfish, 'SIGKILL')
    await child.kill()
    await untilNothingIsLeft(directory, sinceMs)
    expect(sessionDirectories()).toEqual([])
  })
})
