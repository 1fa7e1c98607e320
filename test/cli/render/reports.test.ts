import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { inspectText, planText } from '#src/cli/render/reports.js'
import type { InspectReport, PlanReport } from '#src/report.js'

/** A report in which everything that an image can say is one and the same text. */
function reports(text: string): { readonly inspect: InspectReport; readonly plan: PlanReport } {
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
      oem: { oemId: text, vendorSet: text, oemRelease: undefined, oemReleaseId: text },
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
        space: { freeBytesBefore: 5000, freeBytesAfter: 4000 },
      },
    } as unknown as PlanReport,
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

  it('says that a partition is empty, and that an image has been booted', () => {
    const { inspect } = reports('x')
    const text = inspectText({
      ...inspect,
      image: { ...inspect.image, firstBootPending: false, diskGuid: 'abc' },
      entries: [],
    })
    expect(text).toContain('OEM partition\n  empty\n')
    expect(text).toContain('first boot  done before: disk GUID abc')
  })
})

describe('planText', () => {
  it('says so when nothing would change', () => {
    const { plan } = reports('x')
    expect(planText(plan)).toContain('Files on the OEM partition')
    expect(planText({ ...plan, plan: { ...plan.plan, edits: [], changes: [] } })).toContain('Nothing would change')
  })
})

describe('text from an image', () => {
  it('can not command the terminal, or add a line, wherever it is shown', () => {
    const usual = reports('x')
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const { inspect, plan } = reports(`\x1b[2J\n${text}`)
        for (const [shown, plain] of [
          [inspectText(inspect), inspectText(usual.inspect)],
          [planText(plan), planText(usual.plan)],
        ] as const) {
          expect(shown.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u)
          expect(shown.split('\n')).toHaveLength(plain.split('\n').length)
        }
      }),
      { numRuns: 300 },
    )
  })
})
