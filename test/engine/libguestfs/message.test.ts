import { describe, expect, it } from 'vitest'
import { consoleTail, parseErrorMessage } from '#src/engine/libguestfs/message.js'

describe('parseErrorMessage', () => {
  it("gives libguestfs's words without guestfish's prefix", () => {
    expect(parseErrorMessage('*stdin*:9: libguestfs: error: readlink: /nope: No such file or directory\n')).toBe(
      'readlink: /nope: No such file or directory',
    )
  })

  it('leaves out the advice that follows every failed launch', () => {
    const stderr = [
      'libguestfs: error: /usr/bin/supermin exited with error status 1.',
      'To see full error messages you may need to enable debugging.',
      'Do:',
      '  export LIBGUESTFS_DEBUG=1 LIBGUESTFS_TRACE=1',
      'and/or run libguestfs-test-tool.',
      '',
    ].join('\n')
    expect(parseErrorMessage(stderr)).toBe('/usr/bin/supermin exited with error status 1.')
  })

  it('leaves out the guess about the appliance, wherever it stands', () => {
    const stderr = [
      'libguestfs: error: appliance closed the connection unexpectedly.',
      'This usually means the libguestfs appliance crashed.',
      'Do:',
      '  export LIBGUESTFS_DEBUG=1 LIBGUESTFS_TRACE=1',
      'and run the command again.  For further information, read:',
      '  http://libguestfs.org/guestfs-faq.1.html#debugging-libguestfs',
      "You can also run 'libguestfs-test-tool' and post the *complete* output",
      'into a bug report or message to the libguestfs mailing list.',
      'libguestfs: error: /usr/bin/qemu-system-x86_64 killed by signal 6 (Aborted).',
      'To see full error messages you may need to enable debugging.',
    ].join('\n')
    expect(parseErrorMessage(stderr)).toBe(
      'appliance closed the connection unexpectedly.; /usr/bin/qemu-system-x86_64 killed by signal 6 (Aborted).',
    )
  })

  it('keeps the further lines of a message', () => {
    expect(
      parseErrorMessage('libguestfs: error: mount: mount exited with status 32: mount: /x:\n  wrong fs type.\n'),
    ).toBe('mount: mount exited with status 32: mount: /x:; wrong fs type.')
  })

  it('finds the message in the middle of a console', () => {
    const stderr = '[    0.1] Linux\nlibguestfs: error: qemu exited with error status 1\nlibguestfs: closing handle\n'
    expect(parseErrorMessage(stderr)).toBe('qemu exited with error status 1')
  })

  it('falls back on the last lines, and says so when there are none', () => {
    expect(parseErrorMessage('guestfish: unterminated double quote\n')).toBe('guestfish: unterminated double quote')
    expect(parseErrorMessage('\n')).toBe('it said nothing')
  })
})

describe('consoleTail', () => {
  it('gives the last lines without escape sequences', () => {
    expect(
      consoleTail('a\nb\n\\x1b[2J\\x1b[0mSeaBIOS (version 1.16.2)\nBooting from ROM...\n\\x1bc\\x1b[?7l', 2),
    ).toEqual(['SeaBIOS (version 1.16.2)', 'Booting from ROM...'])
  })
})
