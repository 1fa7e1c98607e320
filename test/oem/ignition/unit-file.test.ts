import { describe, expect, it } from 'vitest'
import { readUnitFile } from '#src/oem/ignition/unit-file.js'

describe('readUnitFile', () => {
  it.each([
    ['[Install]\nWantedBy=a', true],
    ['[Unit]\nA=b\n[Install]\nAlias=c', true],
    ['[Install]\n', false],
    ['[Install]\n# WantedBy=a\n', false],
    ['[Unit]\nA=b \\\n[Install]\\\nWantedBy=a', false],
    ['# [Install]\n[Unit]\nA=b', false],
  ])('of %j says whether there is something to install: %s', (text, hasInstall) => {
    expect(readUnitFile(text)).toEqual({ kind: 'unit', hasInstall })
  })

  it.each([
    ['[Unit]\n\nA=b\n[Service', 4],
    ['[Unit]\nA=b \\\n c\nExecStart', 4],
    ['[Unit] x', 1],
    [`[Unit]\nA=${'x'.repeat(2048)}`, 2],
  ])('of %j says that line %i is wrong', (text, line) => {
    expect(readUnitFile(text)).toMatchObject({ kind: 'fault', line })
  })
})
