/** `oem-bake templates` as it is typed. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { templates } from '../../dist/index.js'
import { runCli } from '../support/command-line.js'
import { temporaryDirectory } from '../support/temp.js'

const directory = temporaryDirectory()
let made = 0

function userTemplate(name: string, manifest: string, files: Readonly<Record<string, string>> = {}): string {
  const root = join(directory, String(made++))
  mkdirSync(join(root, name), { recursive: true })
  for (const [path, text] of Object.entries({ 'template.yml': manifest, ...files }))
    writeFileSync(join(root, name, path), text)
  return root
}

async function json<Document>(...words: readonly string[]): Promise<Document> {
  const { exitCode, stderr, stdout } = await runCli([...words, '--json'])
  expect(exitCode, stderr).toBe(0)
  return JSON.parse(stdout) as Document
}

const ACME = `name: acme
title: Acme Cloud
description: Acme's
distros: [{ distro: flatcar, from: 3185 }]
files: [{ path: /grub.cfg, source: grub.cfg, format: grub }]
`

describe('templates', () => {
  it('lists built-in ones, rows and folders alike, and those of OEM_BAKE_TEMPLATES with their place', async () => {
    const root = userTemplate('acme', ACME)
    const { stdout } = await runCli(['templates'], { env: { OEM_BAKE_TEMPLATES: root } })
    expect(stdout).toMatch(/^ec2, ami, aws +Amazon EC2 +Container Linux from 835; Flatcar from 2605$/m)
    expect(stdout).toMatch(/^hetzner +Hetzner Cloud +Flatcar from 3975$/m)
    expect(stdout).toMatch(new RegExp(`^acme +Acme Cloud +Flatcar from 3185 +${root}$`, 'm'))
  })

  it('lists the others when one is broken, and says what is wrong with it', async () => {
    const env = { OEM_BAKE_TEMPLATES: userTemplate('acme', ACME.replace('files', 'flies')) }
    const { exitCode, stdout } = await runCli(['templates', 'list'], { env })
    expect(exitCode).toBe(0)
    expect(stdout).toContain('openstack')
    expect(stdout).toContain('unknown key "flies"')
    expect((await templates({ env })).broken.map(({ name }) => name)).toEqual(['acme'])
  })

  it('gives the same as data', async () => {
    const list = await json<{ templates: { name: string; origin: string }[] }>('templates')
    expect(list.templates.length).toBeGreaterThan(30)
    expect(new Set(list.templates.map(({ origin }) => origin))).toEqual(new Set(['built-in']))
  })
})

describe('templates show', () => {
  it('says what one does, what it takes, and how that differs by release', async () => {
    const { stdout } = await runCli(['templates', 'show', 'azure'])
    expect(stdout).toContain('template    azure: Microsoft Azure')
    expect(stdout).toMatch(/waagent +folder with waagent/)
    expect(stdout).toMatch(/Flatcar 2605 to 3184\n +files +\/base\/base\.ign \/grub\.cfg \/oem-release/)
    expect(stdout).toMatch(/Flatcar 3185 .*\n.*\n +user data +oem-cloudinit\.service/)
  })

  it('knows providers that are rows of a table, and by another name', async () => {
    type Shown = { name: string; oemId: string; releases: { userData: { by: string } }[] }
    expect(await json<Shown>('templates', 'show', 'stackit')).toMatchObject({ name: 'stackit', oemId: 'openstack' })
    const { name, releases } = await json<Shown>('templates', 'show', 'aws')
    expect(name).toBe('ec2')
    expect(new Set(releases.map(({ userData }) => userData.by))).toEqual(
      new Set(['cloud-config', 'default.ign', 'oem-cloudinit']),
    )
  })
})

describe('templates check', () => {
  it('finds on which releases an id would stop the boot, and ends with 2', async () => {
    const root = userTemplate('acme', ACME, { 'grub.cfg': 'set oem_id="hetzner"\n' })
    const { exitCode, stdout } = await runCli(['templates', 'check', join(root, 'acme')])
    expect(exitCode).toBe(2)
    expect(stdout).toMatch(/Flatcar 3185 to 33\d\d\n(?:.*\n)*? +error +.*hetzner[\s\S]*?\[oem-id-unknown\]/)
    expect(stdout).toMatch(/Flatcar 3975 [\s\S]*user data +Ignition fetches/)
    expect(stdout).toContain('a bake would be refused')
  })

  it('is content with the same template where the id is known', async () => {
    const root = userTemplate('acme', ACME.replace('3185', '3975'), { 'grub.cfg': 'set oem_id="hetzner"\n' })
    const { exitCode, stdout } = await runCli(['templates', 'check', join(root, 'acme')])
    expect(exitCode, stdout).toBe(0)
    expect(stdout).toContain('nothing that could hurt')
  })

  it('wants values for what has no default, and takes them', async () => {
    const manifest = `${ACME}variables: { id: { description: which } }\n`
    const root = userTemplate('acme', manifest, { 'grub.cfg': `set oem_id="\${{id}}"\n` })
    const without = await runCli(['templates', 'check', join(root, 'acme')])
    expect(without.exitCode).toBe(2)
    expect(without.stdout).toContain('needs values for id')
    const given = await runCli(['templates', 'check', join(root, 'acme'), '--set', 'id=openstack'])
    expect(given.exitCode, given.stdout).toBe(0)
  })

  it.each(['rackspace', 'gce', 'custom', 'qemu'])('is content with %s', async (name) => {
    expect(await json('templates', 'check', name)).toMatchObject({ name, gravest: 'note' })
  })
})

describe('templates new', () => {
  it('writes one that check is content with, and that is called as it was asked', async () => {
    const place = join(directory, 'here')
    mkdirSync(place)
    const { exitCode, stdout } = await runCli(['templates', 'new', 'my-cloud'], { cwd: place })
    expect(exitCode).toBe(0)
    expect(stdout).toContain('oem-bake templates check ./my-cloud')
    const checked = await runCli(['templates', 'check', './my-cloud'], { cwd: place })
    expect(checked.exitCode, checked.stdout).toBe(0)
    expect(readFileSync(join(place, 'my-cloud/oem-release.yml'), 'utf8')).toContain('\nID: my-cloud\n')
    expect(execFileSync('sh', ['-c', 'grep -rw custom . || true'], { cwd: place, encoding: 'utf8' })).toBe('')
  })

  it('leaves what is there alone', async () => {
    const place = join(directory, 'there')
    mkdirSync(place)
    writeFileSync(join(place, 'mine'), 'x')
    const { exitCode } = await runCli(['templates', 'new', 'my-cloud', place])
    expect(exitCode).toBe(8)
    expect(execFileSync('ls', [place], { encoding: 'utf8' })).toBe('mine\n')
  })
})
