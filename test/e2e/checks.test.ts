/** Checks from the command line: several mistakes at once, --strict, --ignore, and the list of rules. */
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { ALL_RULES } from '#src/oem/rules.js'
import type { PlanReport } from '../../dist/index.js'
import { type RunResult, runCli, runEnvironment } from '../support/command-line.js'
import { makeSmallDisk } from '../support/small-disk.js'
import { temporaryDirectory } from '../support/temp.js'

const directory = temporaryDirectory()
const MISTAKES = ['oem-release-comment', 'oem-release-quoted-id', 'oem-release-unquoted'] as const

beforeAll(() => {
  makeSmallDisk(join(directory, 'image.bin'))
  writeFileSync(join(directory, 'bad'), '# Acme\nID="acme"\nVERSION_ID=1\nNAME=Acme Cloud\n')
  writeFileSync(join(directory, 'good'), 'ID=acme\nVERSION_ID=1\nNAME="Acme Cloud"\n')
  writeFileSync(join(directory, 'agent.conf'), 'password = hunter22\n')
})

const run = (...args: readonly string[]): Promise<RunResult> =>
  runCli(args, { cwd: directory, env: runEnvironment(directory) })
const bad = (...more: readonly string[]) => run('plan', 'image.bin', '--file', 'bad:/oem-release', ...more)
/** Asks for what there is a warning about. */
const agent = (...more: readonly string[]) =>
  run('plan', 'image.bin', '--file', 'good:/oem-release', '--file', 'agent.conf:/agent.conf', ...more)
const ignoring = (rules: readonly string[]) => rules.flatMap((rule) => ['--ignore', rule])

interface ErrorDocument {
  readonly error: {
    readonly code: string
    readonly details: { readonly findings: PlanReport['plan']['findings'] }
  }
}

describe('three mistakes in one file', () => {
  it('are told together, each with its place, its rule and what to do', async () => {
    const { exitCode, stderr, stdout } = await bad()
    expect([exitCode, stdout]).toEqual([2, ''])
    const lines = stderr.split('\n').filter((line) => !line.startsWith('reading'))
    expect(lines[0]).toBe('error: 3 things are wrong:')
    expect(lines.filter((line) => /^ {2}\d\. bad, line \d, column \d+: .+ \[[a-z-]+\]$/.test(line))).toHaveLength(3)
    expect(lines.filter((line) => /^ {5}\S/.test(line))).toHaveLength(3)
    for (const rule of MISTAKES) expect(stderr).toContain(`[${rule}]`)
  })

  it('are data with --json', async () => {
    const { exitCode, stdout } = await bad('--json')
    expect(exitCode).toBe(2)
    const { code, details } = (JSON.parse(stdout) as ErrorDocument).error
    expect(code).toBe('ERR_OEM_RELEASE_INVALID')
    expect(details.findings.map(({ rule, severity }) => [rule, severity])).toEqual(
      MISTAKES.map((rule) => [rule, 'error']),
    )
    expect(details.findings[0]?.place).toEqual({ file: 'bad', line: 1, column: 1 })
    expect(details.findings[1]?.hint).toBe('write ID=acme')
  })

  it('let a bake go on when all their rules are ignored, and are on record then', async () => {
    const { exitCode } = await bad(...ignoring(MISTAKES.slice(1)))
    expect(exitCode).toBe(2)
    const ignored = await bad('--json', ...ignoring(MISTAKES))
    expect(ignored.exitCode).toBe(0)
    const { plan } = JSON.parse(ignored.stdout) as PlanReport
    expect(plan.ignored.map(({ rule }) => rule)).toEqual([...MISTAKES])
    expect(plan.findings.map(({ rule }) => rule)).not.toContain(MISTAKES[0])
    const text = await bad(...ignoring(MISTAKES))
    expect(text.stdout).toContain(`ignored     3 findings of ${MISTAKES.join(', ')}`)
  })
})

describe('a warning', () => {
  it('lets a bake go on, and names the rule that --ignore takes', async () => {
    const { exitCode, stderr } = await agent()
    expect(exitCode).toBe(0)
    expect(stderr).toMatch(/^warning: agent\.conf, line 1, column 1: .* \[secret-readable\]$/m)
    expect(stderr).not.toContain('hunter22')
  })

  it('stops a bake with --strict, and nothing is published', async () => {
    const { exitCode, stderr } = await run(
      'image.bin',
      ...['--file', 'agent.conf:/agent.conf', '--output', 'out.bin', '--strict'],
    )
    expect(exitCode).toBe(2)
    expect(stderr).toContain('(--strict: warnings count as errors)')
    expect(stderr).toContain('hint: to bake all the same add --ignore secret-readable\n')
    expect(existsSync(join(directory, 'out.bin'))).toBe(false)
  })

  it('does not stop it when its rule is ignored', async () => {
    const { exitCode, stdout, stderr } = await agent('--strict', '--json', '--ignore', 'secret-readable')
    expect([exitCode, stderr]).toEqual([0, expect.not.stringContaining('secret-readable')])
    expect((JSON.parse(stdout) as PlanReport).plan.ignored.map(({ rule }) => rule)).toEqual(['secret-readable'])
  })

  it('can be ignored by the name of a rule only', async () => {
    const { exitCode, stderr } = await agent('--ignore', 'secret-raedable')
    expect(exitCode).toBe(2)
    expect(stderr).toContain('hint: did you mean secret-readable?')
  })
})

describe('oem-bake rules', () => {
  it('lists every rule with its severity and what it finds', async () => {
    const { exitCode, stdout, stderr } = await run('rules')
    expect([exitCode, stderr]).toEqual([0, ''])
    for (const { finds, name, severity } of ALL_RULES) {
      expect(stdout.split('\n').filter((line) => line.includes(` ${name} `) && line.endsWith(finds))).toEqual([
        expect.stringMatching(new RegExp(`^${severity} `)),
      ])
    }
    expect(stdout).toContain(`${ALL_RULES.length} rules`)
    const json = await run('rules', '--json')
    expect(JSON.parse(json.stdout)).toEqual({ rules: ALL_RULES })
  })

  it('tells one with its source', async () => {
    const { exitCode, stdout } = await run('rules', 'script-cr')
    expect(exitCode).toBe(0)
    for (const part of ['script-cr', 'execve(2)', '--ignore script-cr']) expect(stdout).toContain(part)
    const json = await run('rules', 'script-cr', '--json')
    expect(JSON.parse(json.stdout)).toMatchObject({ name: 'script-cr', severity: 'warning' })
  })

  it.each([
    [['rules', 'script-rc'], 'did you mean script-cr?'],
    [['rules', 'zzz'], 'oem-bake rules lists them all'],
    [['rules', 'script-cr', 'setuid-file'], 'see oem-bake --help'],
    [['rules', '--quite'], 'see oem-bake --help'],
  ])('refuses %j', async (args, hint) => {
    const { exitCode, stderr } = await run(...args)
    expect(exitCode).toBe(2)
    expect(stderr).toContain(`hint: ${hint}\n`)
  })
})
