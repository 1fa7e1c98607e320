import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { explainText } from '#src/cli/render/boot.js'
import { inspectText, planText } from '#src/cli/render/reports.js'
import type { BootExplanation } from '#src/oem/explain/explanation.js'
import type { BakedBy } from '#src/oem/history/baked-by.js'
import type { ExplainReport, InspectReport, PlanReport } from '#src/report.js'

/** Everything that can be there, and says one and the same text. */
function bootOf(text: string): BootExplanation {
  const way = { by: 'cloud-config', unit: text, how: text, why: text } as const
  const platform = { oemId: text, platform: text, detected: [], known: false, why: [text] } as const
  return {
    release: { kind: 'known', distro: 'flatcar', version: '4722.0.0', branch: 4722, from: 'image' },
    mount: { mountPoint: text, unit: text, mounts: false },
    commandLines: (['pc', 'efi'] as const).map((machine) => ({
      machine,
      grubCfg: 'not read',
      why: text,
      arguments: [text, machine],
      firstBootOnly: [text],
      uncertain: [text],
    })),
    secureBoot: { grubCfg: 'skipped', says: text },
    platform,
    platformOnEfi: platform,
    configs: [{ path: text, use: 'always', spec: text, why: text }],
    userConfigOrder: [text],
    cloudConfig: { state: 'broken', unit: text, why: text, instead: text, order: [text] },
    services: [{ unit: text, from: text, does: 'starts', when: 'every boot', cloudinit: text, missing: [text] }],
    userData: { ...way, ignitionConfigs: way, cloudConfigs: way, also: [way] },
    sshKeys: { support: 'unknown', unit: text, says: text },
    ignored: [{ path: text, why: text, instead: text }],
    stops: [text],
    update: text,
  }
}

function bakedByText(text: string): BakedBy {
  return {
    kind: 'oem-bake',
    version: text,
    template: { name: text, sha256: text },
    original: { release: text, vendorSet: text },
    written: 3,
    edited: [text],
    missing: [],
    displaced: 1,
  }
}

/** A report in which everything that an image can say is one and the same text. */
function reports(text: string): {
  readonly inspect: InspectReport
  readonly plan: PlanReport
  readonly explain: ExplainReport
} {
  const head = {
    image: {
      path: `/images/${text}`,
      sizeBytes: 1,
      verification: { status: 'unverified', reason: 'no signature was read' },
      codec: { kind: 'bzip2', level: 9, index: 'tail' },
      format: 'raw',
      diskBytes: 4_756_340_736,
      diskGuid: '00000000-0000-0000-0000-000000000001',
      firstBootPending: true,
      booted: { verdict: 'fresh', traces: [], allowed: false },
      mbr: 'hybrid',
      partitions: [
        { number: 6, label: text, type: 'data', partitionGuid: 'g', firstSector: 4096, sectors: 262_144 },
        { number: 9, label: 'ROOT', type: 'resize', partitionGuid: 'h', firstSector: 266_240, sectors: 8 },
      ],
      oemPartition: { number: 6, filesystem: 'ext4', uuid: 'u', sizeBytes: 134_217_728 },
    },
    release: { kind: 'unknown', reason: text },
    engine: 'embedded',
  } as const
  const entry = { kind: 'symlink', mode: 0o777, uid: 0, gid: 0, sizeBytes: 0 } as const
  return {
    inspect: {
      ...head,
      oem: { oemId: text, vendorSet: text, oemRelease: undefined, oemReleaseId: text, bakedBy: bakedByText(text) },
      space: { blockBytes: 4096, totalBytes: 1 << 27, freeBytes: 1 << 20, freeInodes: 5 },
      entries: [
        { ...entry, path: `/${text}`, target: text },
        { path: '/grub.cfg', kind: 'file', mode: 0o644, uid: 0, gid: 0, sizeBytes: 2048 },
      ],
    },
    plan: {
      ...head,
      plan: {
        edits: [{ kind: 'remove-file', path: `/${text}` }],
        changes: [{ action: 'remove', path: `/${text}`, origin: text }],
        expected: [],
        oemId: text,
        findings: [],
        ignored: [],
        space: { freeBytesBefore: 5000, freeBytesAfter: 4000 },
        boot: bootOf(text),
        history: { before: bakedByText(text), after: undefined },
      },
    } as unknown as PlanReport,
    explain: { ...head, boot: bootOf(text), bakedBy: bakedByText(text), plan: undefined },
  }
}

describe('inspectText', () => {
  it('says what an image is and what is on its OEM partition', () => {
    const lines = inspectText(reports('rackspace').inspect).split('\n')
    expect(lines).toContain('image       /images/rackspace')
    expect(lines).toContain('origin      UNVERIFIED: no signature was read')
    expect(lines).toContain(
      'format      raw in bzip2 (level 9, blocks found from the end), disk of 4.4 GiB, hybrid MBR',
    )
    expect(lines).toContain('OEM         partition 6, ext4, 128 MiB')
    expect(lines).toContain('first boot  still to come')
    expect(lines).toContain('oem_id      rackspace')
    expect(lines).toContain('OEM space   1 MiB free of 128 MiB, 5 inodes free')
    expect(lines).toContain('  6  rackspace  data      4096  128 MiB  g')
    expect(lines).toContain('  9  ROOT       resize  266240    4 KiB  h')
    expect(lines).toContain('  l0777  0:0         /rackspace -> rackspace')
    expect(lines).toContain('  -0644  0:0  2 KiB  /grub.cfg')
  })

  it.each([
    ['request', 'as --release says'],
    ['version.txt', 'as version.txt beside it says, unsigned'],
    ['image', 'as the image says'],
  ] as const)('says who told the release: %s', (from, words) => {
    const release = { kind: 'known', distro: 'flatcar', version: '3510.2.8', branch: 3510, from } as const
    const { inspect, plan } = reports('x')
    const line = `release     Flatcar 3510.2.8, ${words}`
    expect(inspectText({ ...inspect, release }).split('\n')).toContain(line)
    expect(planText({ ...plan, release }).split('\n')).toContain(line)
  })

  it('says who baked the image before, and what became of that, in every report', () => {
    const { inspect, plan, explain } = reports('x')
    const told = (bakedBy: BakedBy | undefined): readonly string[] => {
      const texts = [
        inspectText({ ...inspect, oem: { ...inspect.oem, bakedBy } }),
        planText({ ...plan, plan: { ...plan.plan, history: { before: bakedBy, after: undefined } } }),
        explainText({ ...explain, bakedBy }),
      ]
      return [...new Set(texts.map((text) => text.split('\n').find((line) => line.startsWith('baked '))))].map(String)
    }
    expect(told(bakedByText('1.0'))).toEqual([
      'baked       by oem-bake 1.0, template 1.0: 3 files, 1 changed since, 1 of before replaced or removed',
    ])
    expect(told({ kind: 'damaged', reason: 'it is no JSON' })).toEqual([
      'baked       its history /.oem-bake.json is none that oem-bake wrote: it is no JSON',
    ])
    expect(told({ kind: 'newer', version: '9.0' })).toEqual([
      "baked       by oem-bake 9.0, whose history this version can't read",
    ])
    expect(told(undefined)).toEqual(['undefined'])
  })

  it('says that a partition is empty, and that an image has been booted', () => {
    const { inspect } = reports('x')
    const text = inspectText({
      ...inspect,
      image: {
        ...inspect.image,
        booted: {
          verdict: 'booted',
          traces: [
            { sign: 'disk-guid', found: 'booted', detail: 'disk GUID abc' },
            { sign: 'machine-id', found: 'unknown', detail: 'ROOT is btrfs' },
            { sign: 'ssh-host-keys', found: 'fresh', detail: 'no keys' },
          ],
          allowed: false,
        },
      },
      entries: [],
    })
    expect(text).toContain('OEM partition\n  empty\n')
    expect(text).toContain(
      'first boot  done before\n            disk GUID abc\n            not told: ROOT is btrfs\noem_id',
    )
  })
})

describe('planText', () => {
  it('says so when nothing would change', () => {
    const { plan } = reports('x')
    expect(planText(plan)).toContain('Files on the OEM partition')
    expect(planText({ ...plan, plan: { ...plan.plan, edits: [], changes: [] } })).toContain('Nothing would change')
  })

  it('names the rules whose findings were left out', () => {
    const { plan } = reports('x')
    const found = { rule: 'script-cr', severity: 'warning', message: 'x' } as const
    const text = planText({ ...plan, plan: { ...plan.plan, ignored: [found, found] } })
    expect(text).toContain('\nignored     2 findings of script-cr\n')
    expect(planText(plan)).not.toContain('ignored')
  })
})

describe('explainText', () => {
  it('says all that is known, in lines that fit', () => {
    const text = explainText(reports('rackspace').explain)
    for (const title of [
      'Would not boot',
      'Kernel command line',
      'Ignition, on the first boot',
      'coreos-cloudinit, at every boot',
      'Units of the OEM partition',
      "End users' data",
      'Nothing reads',
      'Later',
    ]) {
      expect(text).toContain(`\n${title}\n`)
    }
    expect(text).toContain('  platform      rackspace, which Ignition does not know\n')
    expect(text).toContain('  once          rackspace: on the first boot only\n')
    const long = explainText(reports('word '.repeat(100).trim()).explain)
      .split('\n\n')
      .slice(1)
      .join('\n')
    expect(long.split('\n').filter((line) => line.length > 96)).toEqual([])
  })

  it('says that it depends on the release, where nobody knows that', () => {
    const { explain } = reports('x')
    const boot = { ...explain.boot, release: explain.release, commandLines: [] }
    expect(explainText({ ...explain, boot })).toContain('it depends on the release, which is unknown')
  })

  it('says whether the image is explained as it is, or after a bake', () => {
    const { explain, plan } = reports('x')
    expect(explainText(explain)).toContain('explained   as it is\n')
    expect(explainText({ ...explain, plan: plan.plan })).toContain(
      'explained   as a bake with these flags would leave it\n',
    )
  })
})

describe('text from an image', () => {
  it('can not command the terminal, or add a line, wherever it is shown', () => {
    const usual = reports('x')
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const { inspect, plan, explain } = reports(`\x1b[2J\n${text}`)
        for (const [shown, plain] of [
          [inspectText(inspect), inspectText(usual.inspect)],
          [planText(plan), planText(usual.plan)],
          [explainText(explain), explainText(usual.explain)],
        ] as const) {
          expect(shown.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u)
          // Text at boot is broken at blanks; what comes from the image begins no line of its own.
          const lines = shown.split('\n').filter((line) => !line.startsWith(' '.repeat(16)))
          expect(lines).toHaveLength(plain.split('\n').filter((line) => !line.startsWith(' '.repeat(16))).length)
        }
      }),
      { numRuns: 300 },
    )
  })
})
