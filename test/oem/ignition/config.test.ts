import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readIgnitionConfig } from '#src/oem/ignition/config.js'

describe('readIgnitionConfig', () => {
  it('reads units with their drop-ins, and both spellings of enabled', () => {
    const value = {
      systemd: {
        units: [
          { name: 'a.service', enabled: true, contents: '[Service]\n', dropins: [{ name: '10.conf', contents: 'x' }] },
          { name: 'b.service', enable: true, mask: true },
          { name: 'c.service', enable: false },
          { name: 7 },
        ],
      },
      networkd: { units: [{ name: '00-eth.network', contents: '[Match]' }] },
    }
    expect(readIgnitionConfig(value, '2.1.0')).toMatchObject({
      units: [
        {
          name: 'a.service',
          enabled: true,
          mask: false,
          contents: '[Service]\n',
          dropins: [{ name: '10.conf', contents: 'x' }],
        },
        { name: 'b.service', enabled: true, mask: true, contents: undefined, dropins: [] },
        { name: 'c.service', enabled: undefined },
      ],
      networkUnits: [{ name: '00-eth.network', contents: '[Match]' }],
    })
  })

  it('reads files, directories, links and the configs that it refers to', () => {
    const value = {
      ignition: { config: { merge: [{ source: 'oem:///m' }], replace: { source: 'http://r' } } },
      storage: {
        files: [{ path: '/f', mode: 420, contents: { source: 'data:,1' }, append: [{ source: 'data:,2' }] }],
        directories: [{ path: '/d', mode: 493 }],
        links: [{ path: '/l', target: '/t', hard: true }, { path: '/no-target' }],
      },
      passwd: { users: [{ name: 'core' }] },
    }
    const config = readIgnitionConfig(value, '3.0.0')
    expect(config.files).toMatchObject([{ path: '/f', mode: 420, sources: ['data:,1', 'data:,2'], append: true }])
    expect(config.directories).toMatchObject([{ path: '/d', mode: 493 }])
    expect(config.links).toMatchObject([{ path: '/l', target: '/t', hard: true }])
    expect(config.configs).toEqual([
      { kind: 'merge', source: 'oem:///m' },
      { kind: 'replace', source: 'http://r' },
    ])
    expect(config.users).toEqual(['core'])
    expect(new Set(config.sources)).toEqual(new Set(['oem:///m', 'http://r', 'data:,1', 'data:,2']))
  })

  it('finds the files of spec 1 below their filesystems', () => {
    const value = { storage: { filesystems: [{ device: '/dev/sda', files: [{ path: '/f', contents: 'a b' }] }] } }
    expect(readIgnitionConfig(value, '1').files).toMatchObject([
      { path: '/f', filesystem: '/dev/sda', sources: ['data:,a%20b'] },
    ])
  })

  it('ends on anything, whatever its shape', () => {
    const keys = fc.constantFrom('ignition', 'config', 'append', 'storage', 'files', 'systemd', 'units', 'name', 'path')
    const { tree } = fc.letrec((tie) => ({
      tree: fc.oneof(
        { depthSize: 'small' },
        fc.constantFrom<unknown>(null, true, 3, 'x'),
        fc.array(tie('tree'), { maxLength: 3 }),
        fc.dictionary(keys, tie('tree'), { maxKeys: 4 }),
      ),
    }))
    fc.assert(
      fc.property(tree, fc.constantFrom('1', '2.0.0', '3.0.0'), (value, spec) => {
        expect(readIgnitionConfig(value, spec).spec).toBe(spec)
      }),
    )
  })
})
