import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { FilesystemReader, OemEntry } from '#src/engine/engine.js'
import { assertTreeAsPlanned } from '#src/oem/plan/assert-tree.js'
import type { Plan } from '#src/oem/plan/plan.js'
import { rejectsWithCode } from '../../support/errors.js'

const CONTENT = Buffer.from('set oem_id="rackspace"\n')
const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')

const DIRECTORY = { path: '/base', kind: 'directory', mode: 0o755, uid: 0, gid: 0, sizeBytes: 0 } as const
const FILE = { path: '/grub.cfg', kind: 'file', mode: 0o644, uid: 0, gid: 0, sizeBytes: CONTENT.length } as const
const PLAN = { expected: [DIRECTORY, { ...FILE, sha256: sha256(CONTENT) }] } as unknown as Plan

function readerOf(entries: readonly OemEntry[], content = CONTENT): FilesystemReader {
  return { list: async () => entries, sha256: async () => sha256(content) } as unknown as FilesystemReader
}

describe('the tree after the edits', () => {
  it('passes when it is what was planned', async () => {
    await assertTreeAsPlanned(readerOf([DIRECTORY, FILE]), PLAN)
  })

  it.each<[string, FilesystemReader, string]>([
    ['a file is missing', readerOf([DIRECTORY]), '/grub.cfg: missing'],
    ['a file is there that nobody planned', readerOf([DIRECTORY, FILE, { ...FILE, path: '/x' }]), '/x: not planned'],
    ['a mode differs', readerOf([{ ...DIRECTORY, mode: 0o777 }, FILE]), '/base: directory 0777'],
    ['an owner differs', readerOf([DIRECTORY, { ...FILE, uid: 1000 }]), '/grub.cfg: file 0644 1000:0'],
    ['a size differs', readerOf([DIRECTORY, { ...FILE, sizeBytes: 1 }]), '/grub.cfg: file 0644 0:0 1 bytes'],
    ['a kind differs', readerOf([DIRECTORY, { ...FILE, kind: 'symlink' }]), '/grub.cfg: symlink'],
    ['a content differs', readerOf([DIRECTORY, FILE], Buffer.from('other')), '/grub.cfg: other content'],
  ])('is refused when %s', async (_, reader, says) => {
    const error = await rejectsWithCode(assertTreeAsPlanned(reader, PLAN), 'ERR_CHECK_TREE')
    expect(error.details.differences).toEqual([expect.stringContaining(says)])
  })
})
