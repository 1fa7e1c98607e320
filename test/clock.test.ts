import { describe, expect, it } from 'vitest'
import { clockFor } from '#src/clock.js'
import type { Filesystem } from '#src/disk/filesystem/probe.js'
import { rejectsWithCode } from './support/errors.js'

const LAST_WRITE = 1_590_000_000
const ext = (lastWrittenSeconds: number): Filesystem => ({
  kind: 'ext',
  variant: 'ext4',
  label: 'OEM',
  uuid: '00000000-0000-0000-0000-000000000000',
  blockBytes: 4096,
  sizeBytes: 4096,
  compat: 0,
  incompat: 0,
  roCompat: 0,
  clean: true,
  needsRecovery: false,
  lastOrphan: 0,
  lastWrittenSeconds,
})
const btrfs: Filesystem = { kind: 'btrfs', label: 'OEM', uuid: '', sizeBytes: 4096 }
const isNow = (seconds: number) => Math.abs(seconds - Date.now() / 1000) < 5

describe('clockFor', () => {
  it('takes the request before SOURCE_DATE_EPOCH before the last write', () => {
    const env = { SOURCE_DATE_EPOCH: '7' }
    expect(clockFor(5, env, ext(LAST_WRITE))).toBe(5)
    expect(clockFor(0, env, ext(LAST_WRITE))).toBe(0)
    expect(clockFor(undefined, env, ext(LAST_WRITE))).toBe(7)
    expect(clockFor(undefined, {}, ext(LAST_WRITE))).toBe(LAST_WRITE)
    expect(clockFor(undefined, { SOURCE_DATE_EPOCH: '' }, ext(LAST_WRITE))).toBe(LAST_WRITE)
  })

  it('takes the wall clock when nothing else is known', () => {
    expect(clockFor(undefined, {}, btrfs)).toSatisfy(isNow)
    expect(clockFor(undefined, {}, ext(0))).toSatisfy(isNow)
  })

  it('does not believe a last write that ext could not store for new files', () => {
    expect(clockFor(undefined, {}, ext(2 ** 32 - 1))).toSatisfy(isNow)
    expect(clockFor(undefined, {}, ext(2 ** 31 - 1))).toBe(2 ** 31 - 1)
  })

  it.each(['x', '-1', '1.5', '1e9', ' 5', '0x10', String(2 ** 31), '99999999999999999999'])(
    'refuses SOURCE_DATE_EPOCH=%s',
    async (text) => {
      await rejectsWithCode(() => clockFor(undefined, { SOURCE_DATE_EPOCH: text }, btrfs), 'ERR_USAGE')
    },
  )

  it.each([-1, 1.5, Number.NaN, 2 ** 31])('refuses %d as the time asked for', async (seconds) => {
    await rejectsWithCode(() => clockFor(seconds, {}, btrfs), 'ERR_USAGE')
  })
})
