import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { hostname } from 'node:os'
import { basename, isAbsolute, join, relative } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { openWorkspace } from '#src/temp.js'
import { rejectsWithCode } from './support/errors.js'
import { temporaryDirectory } from './support/temp.js'

const root = temporaryDirectory()
const parentDirectory = () => mkdtempSync(join(root, 'parent-'))

/** Field 22 of /proc/pid/stat, read without the code under test. */
function startTicks(pid: number): string {
  return readFileSync(`/proc/${pid}/stat`, 'latin1')
    .replace(/^.*\) /s, '')
    .split(' ')[19]!
}

/** Host name and process namespace, as the name of a directory has them. */
const SPACE = createHash('sha256')
  .update(`${hostname()} ${readlinkSync('/proc/self/ns/pid')}`)
  .digest('hex')
  .slice(0, 8)

const sleeper = spawn('sleep', ['600'])
afterAll(() => void sleeper.kill('SIGKILL'))

/** A process id that nobody has: of a child that has ended and been waited for. */
async function endedPid(): Promise<number> {
  const child = spawn('true')
  await new Promise((resolve) => child.on('exit', resolve))
  return child.pid!
}

function leaveBehind(parent: string, name: string): string {
  const path = join(parent, name)
  mkdirSync(join(path, 'deep'), { recursive: true })
  writeFileSync(join(path, 'deep', 'decoded.img'), 'x')
  return path
}

describe('openWorkspace', () => {
  it('makes a directory that only its owner can enter, and removes it with all that is in it', async () => {
    const parent = parentDirectory()
    {
      await using workspace = await openWorkspace(parent)
      expect(isAbsolute(workspace.directory)).toBe(true)
      expect(statSync(workspace.directory).mode & 0o7777).toBe(0o700)
      expect(readdirSync(parent)).toEqual([basename(workspace.directory)])
      mkdirSync(workspace.path('a'))
      writeFileSync(workspace.path('a/b'), 'x')
    }
    expect(readdirSync(parent)).toEqual([])
  })

  it('gives two runs in one place a directory each', async () => {
    const parent = parentDirectory()
    await using first = await openWorkspace(parent)
    await using second = await openWorkspace(parent)
    expect(first.directory).not.toBe(second.directory)
    expect(readdirSync(parent)).toHaveLength(2)
  })

  it('takes a parent that is named relative to the working directory, and gives absolute paths', async () => {
    const parent = parentDirectory()
    await using workspace = await openWorkspace(relative(process.cwd(), parent))
    expect(isAbsolute(workspace.directory)).toBe(true)
    expect(isAbsolute(workspace.path('x'))).toBe(true)
    expect(existsSync(workspace.directory)).toBe(true)
  })

  it('takes a parent that is reached through a symbolic link', async () => {
    const parent = parentDirectory()
    const link = join(root, 'link')
    symlinkSync(parent, link)
    await using workspace = await openWorkspace(link)
    expect(realpathSync(join(workspace.directory, '..'))).toBe(realpathSync(parent))
  })

  it.each(['two..dots', 'XXXXXX', 'with space', "quote'"])('takes a parent that is called %s', async (name) => {
    const parent = join(parentDirectory(), name)
    mkdirSync(parent)
    await using workspace = await openWorkspace(parent)
    expect(join(workspace.directory, '..')).toBe(parent)
  })

  it('says ERR_NOT_FOUND for a parent that does not exist', async () => {
    await rejectsWithCode(openWorkspace(join(root, 'nowhere')), 'ERR_NOT_FOUND')
  })

  it('says ERR_NOT_FOUND for a parent that is a file', async () => {
    writeFileSync(join(root, 'file'), '')
    await rejectsWithCode(openWorkspace(join(root, 'file')), 'ERR_NOT_FOUND')
  })

  it('removes what a run left behind whose process is gone', async () => {
    const parent = parentDirectory()
    const left = leaveBehind(parent, `.oem-bake-${await endedPid()}-12345-${SPACE}-abcDEF`)
    await using _workspace = await openWorkspace(parent)
    expect(existsSync(left)).toBe(false)
  })

  it('keeps what a run of another host or container left, whose process ids mean nothing here', async () => {
    const parent = parentDirectory()
    const kept = leaveBehind(parent, `.oem-bake-${await endedPid()}-12345-0badcafe-abcDEF`)
    await using _workspace = await openWorkspace(parent)
    expect(existsSync(kept)).toBe(true)
  })

  it('removes what a run left behind whose process id now belongs to another process', async () => {
    const parent = parentDirectory()
    const left = leaveBehind(parent, `.oem-bake-${sleeper.pid}-${Number(startTicks(sleeper.pid!)) - 1}-${SPACE}-abcDEF`)
    await using _workspace = await openWorkspace(parent)
    expect(existsSync(left)).toBe(false)
  })

  it('keeps the directory of a run that is still alive', async () => {
    const parent = parentDirectory()
    const kept = leaveBehind(parent, `.oem-bake-${sleeper.pid}-${startTicks(sleeper.pid!)}-${SPACE}-abcDEF`)
    await using _workspace = await openWorkspace(parent)
    expect(existsSync(join(kept, 'deep', 'decoded.img'))).toBe(true)
  })

  it.each([
    'oem-bake-1-1-abcdef',
    '.oem-bake-x-1-abcdef',
    '.oem-bake-999999999-1',
    `.oem-bake-999999999-1-${SPACE}`,
    `.oem-bake-999999999-1-${SPACE}-abc.def`,
    `.oem-bake-999999999-1-${SPACE}-abcdef.img.bz2`,
    '.oem-bake-notes',
  ])('keeps %s, which is no name of a run', async (name) => {
    const parent = parentDirectory()
    const kept = leaveBehind(parent, name)
    await using _workspace = await openWorkspace(parent)
    expect(existsSync(kept)).toBe(true)
  })

  it('names its directory so that the next run can tell whose it is', async () => {
    const parent = parentDirectory()
    await using workspace = await openWorkspace(parent)
    expect(basename(workspace.directory)).toMatch(
      new RegExp(`^\\.oem-bake-${process.pid}-${startTicks(process.pid)}-${SPACE}-\\w+$`),
    )
  })

  it('does not follow a symbolic link that has the name of a dead run', async () => {
    const parent = parentDirectory()
    const precious = leaveBehind(root, 'precious')
    symlinkSync(precious, join(parent, `.oem-bake-${await endedPid()}-1-${SPACE}-abcdef`))
    await using _workspace = await openWorkspace(parent)
    expect(existsSync(join(precious, 'deep', 'decoded.img'))).toBe(true)
  })
})
