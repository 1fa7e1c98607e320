/** `explain` through the command line: of an image as it is, of one that is yet to be baked, and of one whose release nobody knows. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type BakeReport, type ExplainReport, explain, type PlanReport } from '../../dist/index.js'
import { runCli } from '../support/command-line.js'
import { makeSmallDisk, type SmallDiskOptions } from '../support/small-disk.js'
import { temporaryDirectory } from '../support/temp.js'

const directory = temporaryDirectory()
let made = 0
const disk = (options: SmallDiskOptions): string => makeSmallDisk(join(directory, `disk${made++}.bin`), options)

const flatcar = (version: string): string =>
  `NAME="Flatcar Container Linux by Kinvolk"\nID=flatcar\nVERSION=${version}\nVERSION_ID=${version}\n`
const CLOUD_CONFIG = { '/cloud-config.yml': '#cloud-config\nhostname: mine\n' }

const say = async (...args: readonly string[]) => {
  const run = await runCli([...args, '--no-cache', '--progress', 'none'])
  expect(run.exitCode, run.stderr).toBe(0)
  return run.stdout
}
const sayJson = async <Report>(...args: readonly string[]): Promise<Report> => JSON.parse(await say(...args, '--json'))

describe('a cloud-config on the OEM partition', () => {
  it('of Flatcar 4722 is read by nothing, says explain, and what to do instead', async () => {
    const image = disk({ osRelease: flatcar('4722.0.0'), oemFiles: CLOUD_CONFIG })
    const text = (await say('explain', image)).replace(/\s+/g, ' ')
    expect(text).toContain('Flatcar 4722.0.0, as the image says')
    expect(text).toContain(
      'Nothing reads /cloud-config.yml: from branch 4722 on Flatcar takes the OEM cloud-config from a system extension',
    )
    expect(text).toContain('instead: put the settings into an Ignition config: --ignition FILE')
    const { boot } = await sayJson<ExplainReport>('explain', image)
    expect(boot.ignored.map(({ path }) => path)).toEqual(['/cloud-config.yml'])
    expect(boot.cloudConfig.state).toBe('not read')
  })

  it('of Flatcar 4593 is read, at every boot', async () => {
    const image = disk({ osRelease: flatcar('4593.0.0'), oemFiles: CLOUD_CONFIG })
    const text = await say('explain', image)
    expect(text).not.toContain('Nothing reads')
    expect(text.replace(/\s+/g, ' ')).toContain('cloud-config applied: system-cloudinit@usr-share-oem-cloud')
  })
})

describe('with flags', () => {
  it.each(['ec2', 'rackspace'])(
    'explains the edition %s as it is once it is baked, and as plan and bake do',
    async (template) => {
      const image = disk({})
      const output = join(directory, `${template}-${made}.bin`)
      const before = await sayJson<ExplainReport>('explain', image, '--template', template)
      const plan = await sayJson<PlanReport>('plan', image, '--template', template)
      const baked = await sayJson<BakeReport>('bake', image, '--template', template, '-o', output)
      const after = await sayJson<ExplainReport>('explain', output)
      expect(before.plan?.changes.length).toBeGreaterThan(0)
      expect(after.plan).toBeUndefined()
      expect([plan.plan.boot, baked.plan.boot, after.boot]).toEqual(Array(3).fill(before.boot))
      expect(after.boot.userData.by).toBe('default.ign')
    },
  )

  it('reads the units and scripts of the partition, and says which are missing', async () => {
    const config = {
      ignition: { version: '2.1.0' },
      systemd: { units: [{ name: 'own-agent.service', enabled: true }] },
      storage: {
        files: [
          {
            filesystem: 'root',
            path: '/etc/systemd/system/own-agent.service',
            mode: 292,
            contents: { source: 'oem:///units/own-agent.service' },
          },
        ],
      },
    }
    const oemFiles = {
      '/base/base.ign': JSON.stringify(config),
      '/units/own-agent.service': '[Service]\nExecStart=/usr/share/oem/bin/own-agent\n',
    }
    const { boot } = await sayJson<ExplainReport>('explain', disk({ oemFiles }))
    expect(boot.services).toMatchObject([{ unit: 'own-agent.service', missing: ['/bin/own-agent'] }])
    const complete = disk({
      oemFiles: { ...oemFiles, '/bin/own-agent': '#!/bin/sh\nexec coreos-cloudinit --from-url=http://example.com\n' },
    })
    const whole = await sayJson<ExplainReport>('explain', complete)
    expect(whole.boot.services).toMatchObject([{ missing: [], cloudinit: '--from-url=http://example.com' }])
    expect(whole.boot.userData.by).toBe('base.ign')
  })

  it.each([['--set', 'a=b'], ['--strict']])('refuses %s without anything that it is for', async (...flags) => {
    const { exitCode, stderr } = await runCli(['explain', disk({}), ...flags])
    expect(exitCode).toBe(2)
    expect(stderr).toContain('nothing was asked for')
  })
})

describe('an image whose release is unknown', () => {
  it('is explained as far as that goes, and a release can be named', async () => {
    const image = disk({ osRelease: 'ID=debian\n', oemFiles: CLOUD_CONFIG })
    const text = await say('explain', image)
    expect(text).toContain('unknown: name the release with --release')
    const unknown = await sayJson<ExplainReport>('explain', image)
    expect(unknown.boot.userData.by).toBe('unknown')
    const named = await sayJson<ExplainReport>('explain', image, '--release', 'flatcar:4722.0.0')
    expect(named.boot.ignored).toHaveLength(1)
  })
})

describe('the library', () => {
  it('explains the same', async () => {
    const image = disk({ oemFiles: { '/grub.cfg': 'set oem_id="packet"\n' } })
    writeFileSync(join(directory, 'cloud.yml'), '#cloud-config\n')
    const report = await explain({ image, cloudConfig: join(directory, 'cloud.yml'), cache: false })
    const said = await sayJson<ExplainReport>('explain', image, '--cloud-config', join(directory, 'cloud.yml'))
    expect(JSON.parse(JSON.stringify(report.boot))).toEqual(said.boot)
    expect(report.boot.platform.platform).toBe('packet')
  })
})
