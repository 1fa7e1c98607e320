/** How grave the same mistake is depends on what it does: on this release, for this provider, after what came before. */
import { describe, expect, it } from 'vitest'
import { findingsOf } from '../../support/rule-examples.js'

const ID = 'set oem_id="ec2"\n'

describe('a finding in grub.cfg', () => {
  it.each([
    ['the helper is not there yet', 'grub-append-form', `${ID}  linux_append=x\n`, 'container-linux:2512.3.0', 'note'],
    ['the helper is not there yet', 'grub-append-form', `${ID}  linux_append=x\n`, 'flatcar:3139.2.0', 'note'],
    ['the helper would misread it', 'grub-append-form', `${ID}  linux_append=x\n`, 'flatcar:3185.0.0', 'warning'],
    ['the helper may be there', 'grub-append-form', `${ID}  linux_append=x\n`, 'unknown', 'warning'],
    ['the helper is not there yet', 'grub-last-line', ID.trim(), 'container-linux:2512.3.0', 'note'],
    ['nothing is lost', 'grub-append-overwrites', `${ID}linux_append=a\n`, 'container-linux:2512.3.0', 'note'],
    [
      'the branches exclude each other',
      'grub-append-overwrites',
      `${ID}if [ "$grub_platform" = pc ]; then linux_append=a; else linux_append=b; fi\n`,
      'container-linux:2512.3.0',
      'note',
    ],
    [
      'what was there is lost',
      'grub-append-overwrites',
      `${ID}linux_append=a\nlinux_append=b\n`,
      'container-linux:2512.3.0',
      'warning',
    ],
    [
      'the vendor does the same',
      'grub-autologin',
      'set oem_id="qemu"\nset linux_append="$linux_append flatcar.autologin"\n',
      'flatcar:3510.2.8',
      'note',
    ],
    [
      'the vendor asks for a password',
      'grub-autologin',
      `${ID}set linux_append="$linux_append flatcar.autologin"\n`,
      'flatcar:3510.2.8',
      'warning',
    ],
  ])('is as grave as it is where %s: %s', async (_, rule, text, release, severity) => {
    const found = (await findingsOf({ files: { '/grub.cfg': text }, release })).filter((each) => each.rule === rule)
    expect(found.map((each) => each.severity)).toContain(severity)
    if (severity === 'note') expect(found.map((each) => each.severity)).not.toContain('warning')
  })
})
