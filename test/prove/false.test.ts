/** Editions in which something else was changed, too. A hundred random places in every form: test/full/prove.test.ts. */
import { spawnSync } from 'node:child_process'
import { copyFileSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { compress } from '../support/bzip2.js'
import { layOut, type StreamLayout, takeApart } from '../support/bzip2-layout.js'
import { runCli } from '../support/command-line.js'
import { expectFalse, falsities } from '../support/falsities.js'
import { bakeOf, type Form, inForm, LEVEL, proveDisk, proveJson } from '../support/prove.js'
import { DiskPatcher } from '../support/small-disk.js'
import { temporaryDirectory } from '../support/temp.js'

const directory = temporaryDirectory()
const path = (name: string): string => join(directory, name)
const disk = path('disk')
const bakedDisk = path('disk.baked')

beforeAll(async () => {
  proveDisk(disk)
  await bakeOf(disk, bakedDisk)
})

describe('a proof', () => {
  it('is false for one bit outside the OEM partition, wherever it is, and says where', async () => {
    const forms: readonly Form[] = ['raw', 'lbzip2', 'qcow2', 'pbzip2', 'qcow2 with compressed clusters lbzip2']
    const originals = new Map(forms.map((form) => [form, inForm(disk, form, path(form))]))
    for (const [nth, falsity] of falsities(disk, 4, 'a few').entries()) {
      const form = forms[nth % forms.length]!
      await expectFalse({ original: originals.get(form)!, bakedDisk, work: path('work') }, form, falsity)
    }
  })

  it('is false for a disk of another size', async () => {
    const longer = path('longer')
    copyFileSync(bakedDisk, longer)
    truncateSync(longer, readFileSync(bakedDisk).length + 512)
    const { exitCode, report } = await proveJson(disk, longer)
    expect(exitCode).toBe(3)
    expect(report).toMatchObject({ holds: false, reason: expect.stringContaining('the disks have') })
    expect(report.outside).toBeUndefined()
  })

  it('is false for an OEM partition that was moved or shrunk, with every checksum right', async () => {
    const moved = path('moved')
    copyFileSync(bakedDisk, moved)
    {
      using patcher = new DiskPatcher(moved)
      for (const copy of ['primary', 'backup'] as const) {
        const entry = patcher.entryOffset(copy, 6)
        const last = patcher.read(entry + 40, 8)
        last.writeBigUInt64LE(last.readBigUInt64LE() - 8n)
        patcher.write(entry + 40, last)
        patcher.sealGpt(copy)
      }
    }
    const { exitCode, report } = await proveJson(disk, moved)
    expect(exitCode).toBe(3)
    const places = new Set(report.outside?.first.map(({ place }) => place))
    expect([...places]).toEqual(['partition table', 'backup partition table'])
  })

  it('says for people what differs, on one line for each place, and that it is not proved', async () => {
    const changed = path('changed')
    copyFileSync(bakedDisk, changed)
    {
      using patcher = new DiskPatcher(changed)
      for (let nth = 0; nth < 20; nth++) patcher.flipBit(2048 * 512 + nth * 4096)
      patcher.write(2048 * 512 + 100 * 512, Buffer.alloc(512 * 9, 0xa5))
    }
    const { exitCode, stdout } = await runCli(['prove', disk, changed])
    expect(exitCode).toBe(3)
    expect(stdout).toContain('Different outside the OEM partition')
    expect(stdout).toMatch(/^ +2048 +1 sector {2}partition 3 \(USR-A\)$/m)
    expect(stdout).toMatch(/and 12 more places|and 13 more places/)
    expect(stdout).toMatch(/\nNOT PROVED: \d+ sectors differ outside the OEM partition; the first is 2048/)
  })
})

describe('a partition label that would fool a terminal', () => {
  it('reaches it as text', async () => {
    const changed = path('label')
    copyFileSync(disk, changed)
    {
      using patcher = new DiskPatcher(changed)
      for (const copy of ['primary', 'backup'] as const) {
        patcher.write(patcher.entryOffset(copy, 3) + 56, Buffer.from('A\x1b[2J\nPROVED\0', 'utf16le'))
        patcher.sealGpt(copy)
      }
    }
    copyFileSync(changed, path('label.other'))
    {
      using patcher = new DiskPatcher(path('label.other'))
      patcher.flipBit(2048 * 512)
    }
    const { exitCode, stdout } = await runCli(['prove', changed, path('label.other')])
    expect(exitCode).toBe(3)
    expect(stdout).not.toContain('\x1b')
    expect(stdout).not.toMatch(/^PROVED/m)
    expect(stdout).toMatch(/^NOT PROVED: 1 sector differs .* partition 3 \(A/m)
  })
})

/** An edition in bzip2, as its blocks; and what became of them. */
describe('a file that was put together to deceive', () => {
  const original = path('original.bz2')
  let streams: readonly StreamLayout[] = []

  beforeAll(async () => {
    inForm(disk, 'bzip2', original)
    streams = takeApart(readFileSync(await bakeOf(original, path('baked.bz2'))))
  })

  const proofOf = async (bytes: Buffer) => {
    writeFileSync(path('crafted'), bytes)
    return proveJson(original, path('crafted'))
  }
  const blocks = () => streams.flatMap((stream) => stream.blocks)
  const inOneStream = (list: StreamLayout['blocks'], level = LEVEL) => layOut([{ level, blocks: list }]).bytes

  it("with two blocks of the same length in each other's place is false", async () => {
    const list = [...blocks()]
    const [a, b] = [1, 2]
    expect(list[a]!.decoded.length).toBeGreaterThan(190_000)
    ;[list[a], list[b]] = [list[b]!, list[a]!]
    await expect(proofOf(inOneStream(list))).resolves.toMatchObject({ exitCode: 3, report: { holds: false } })
  })

  it('with a block moved to where as many zeros were is false', async () => {
    const list = [...blocks()]
    const [moved] = list.splice(1, 1)
    await expect(proofOf(inOneStream([...list, moved!]))).resolves.toMatchObject({ exitCode: 3 })
  })

  it('with another stream behind it is false, and true with an empty one', async () => {
    const bytes = inOneStream(blocks())
    const more = await proofOf(Buffer.concat([bytes, compress(Buffer.alloc(512))]))
    expect(more).toMatchObject({ exitCode: 3, report: { reason: expect.stringContaining('the disks have') } })
    const same = await proofOf(Buffer.concat([bytes, compress(Buffer.alloc(0))]))
    expect(same).toMatchObject({ exitCode: 0, report: { holds: true } })
  })

  it('with the same blocks in other streams is true: it decodes to the same', async () => {
    const list = blocks()
    const cut = layOut([
      { level: LEVEL, blocks: list.slice(0, 2) },
      { level: LEVEL, blocks: [] },
      { level: LEVEL, blocks: list.slice(2) },
    ])
    await expect(proofOf(cut.bytes)).resolves.toMatchObject({ exitCode: 0, report: { holds: true } })
  })

  it('with a level that its blocks are too large for can not be read, as bzip2 says, too', async () => {
    const bytes = inOneStream(blocks(), LEVEL - 1)
    const run = await proofOf(bytes)
    expect(run).toMatchObject({ exitCode: 4, report: { error: { code: 'ERR_BZIP2_CORRUPT' } } })
    expect(spawnSync('bzip2', ['-t'], { input: bytes }).status).not.toBe(0)
  })

  it('with a combined CRC that is not of its blocks can not be read', async () => {
    const bytes = inOneStream(blocks())
    bytes[bytes.length - 2]! ^= 0x10
    await expect(proofOf(bytes)).resolves.toMatchObject({
      exitCode: 4,
      report: { error: { code: 'ERR_BZIP2_CORRUPT' } },
    })
  })
})
