/** Every command takes --json: one document on standard output, whether it does what it is asked or fails. */
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CHECKOUT, runCli } from '../support/command-line.js'
import { ReleaseServer } from '../support/release-server.js'
import { makeSmallDisk } from '../support/small-disk.js'
import { temporaryDirectory } from '../support/temp.js'

const directory = temporaryDirectory()
makeSmallDisk(join(directory, 'image.img'), { oemMiB: 5 })
copyFileSync(join(CHECKOUT, 'test/fixtures/openpgp/coreos-2014.asc'), join(directory, 'coreos.asc'))
writeFileSync(join(directory, 'jobs.yml'), 'jobs:\n  - {image: image.img, template: gce}\n')
let server: ReleaseServer
beforeAll(async () => {
  server = await ReleaseServer.start()
  server.files.set('/served.img', { bytes: readFileSync(join(directory, 'image.img')) })
})
afterAll(() => server[Symbol.asyncDispose]())

const run = (...words: readonly string[]) =>
  runCli(words, {
    cwd: directory,
    env: { XDG_CONFIG_HOME: join(directory, 'config'), XDG_CACHE_HOME: join(directory, 'cache') },
  })

/** In an order in which each finds what it needs: words, exit code, a field of the document. */
const ROWS: readonly (readonly [words: string, exitCode: number, field: string])[] = [
  ['image.img --template ec2', 0, 'output'],
  ['bake image.img --template rackspace', 0, 'output'],
  ['plan image.img --template ec2', 0, 'plan'],
  ['explain image.img', 0, 'boot'],
  ['inspect image.img', 0, 'entries'],
  ['unbake image.ec2.img --original image.img', 0, 'output'],
  ['unbake image.ec2.img --original image.img --plan', 0, 'plan'],
  ['prove image.img image.ec2.img', 0, 'holds'],
  ['verify image.img', 3, 'verification'],
  ['fetch SERVER/served.img --verify off', 0, 'how'],
  ['keys', 0, 'keys'],
  ['keys add coreos.asc', 0, 'added'],
  ['keys doctor', 3, 'findings'],
  ['templates', 0, 'templates'],
  ['templates show ec2', 0, 'releases'],
  ['templates check ec2', 0, 'gravest'],
  ['templates new mycloud', 0, 'files'],
  ['batch jobs.yml', 0, 'outcomes'],
  ['rules', 0, 'rules'],
  ['rules script-cr', 0, 'finds'],
]

describe('--json', () => {
  it.each(ROWS)('of "%s" prints one document', async (words, exitCode, field) => {
    const ended = await run(...words.replace('SERVER', server.origin).split(' '), '--json')
    expect(ended.exitCode, ended.stderr).toBe(exitCode)
    expect(JSON.parse(ended.stdout)).toHaveProperty(field)
    // Nothing but warnings, of one job or another: no report, no progress.
    expect(ended.stderr.replace(/^(?:[\w ]+: )?(?:warning|hint|note): .*\n/gm, '')).toBe('')
  })

  it('is tried with every command that there is', async () => {
    const { stdout } = await run('--help')
    const usage = stdout.slice(stdout.indexOf('Usage:'), stdout.indexOf('Commands:'))
    const verbs = [...usage.matchAll(/oem-bake ([a-z]+)/g)].map(([, verb]) => verb)
    expect(verbs.length).toBeGreaterThan(8)
    // What a shell reads is no document.
    const asked = verbs.filter((verb) => verb !== 'completion')
    expect(asked.filter((verb) => !ROWS.some(([words]) => words.split(' ')[0] === verb))).toEqual([])
  })

  it.each([
    ['--template nowhere image.img', 2, 'ERR_TEMPLATE_UNKNOWN'],
    ['explain coreos.asc', 4, 'ERR_NOT_AN_IMAGE'],
    ['inspect', 2, 'ERR_USAGE'],
    ['verify absent.img', 7, 'ERR_NOT_FOUND'],
    ['fetch SERVER/absent.img', 2, 'ERR_NOT_PUBLISHED'],
    ['keys add image.img', 2, 'ERR_KEY_INVALID'],
    ['templates show nowhere', 2, 'ERR_TEMPLATE_UNKNOWN'],
    ['rules nowhere', 2, 'ERR_USAGE'],
    ['inspect image.img --nonsense', 2, 'ERR_USAGE'],
  ])('of "%s", which fails, prints the error as one document', async (words, exitCode, code) => {
    const ended = await run(...words.replace('SERVER', server.origin).split(' '), '--json')
    expect(JSON.parse(ended.stdout)).toMatchObject({ error: { code, exitCode, message: expect.any(String) } })
    expect(ended.exitCode).toBe(exitCode)
    expect(ended.stderr).not.toContain('error:')
  })

  it('of a run that is cancelled says so, and by what', async () => {
    // The standard input that it stops with is at its end already.
    const ended = await runCli(['image.img', '--template', 'gce', '--json'], {
      cwd: directory,
      env: { OEM_BAKE_STOP_WITH_STDIN: '1' },
    })
    expect(ended.exitCode).toBe(143)
    expect(JSON.parse(ended.stdout)).toMatchObject({ error: { code: 'ERR_CANCELLED', exitCode: 143 } })
  })
})
