import { describe, expect, it } from 'vitest'
import { readCloudConfig } from '#src/oem/cloud-config/read-units.js'

function read(body: string) {
  return readCloudConfig(Buffer.from(`#cloud-config\n${body}`))
}

describe('readCloudConfig', () => {
  it('gives units in their order, and the id', () => {
    const found = read(`coreos:
  oem: {id: acme}
  units:
    - name: b.service
      command: start
      runtime: yes
      content: "[Unit]"
    - name: a.service
      mask: true
      drop-ins:
        - {name: 10-a.conf, content: "[Service]"}
        - {name: 20-b.conf}
`)
    expect(found?.oemId).toBe('acme')
    expect(found?.units).toEqual([
      {
        name: 'b.service',
        command: 'start',
        enable: false,
        mask: false,
        runtime: true,
        content: '[Unit]',
        dropIns: [],
      },
      {
        name: 'a.service',
        command: undefined,
        enable: false,
        mask: true,
        runtime: false,
        content: undefined,
        dropIns: [{ name: '10-a.conf', content: '[Service]' }],
      },
    ])
  })

  it.each(['coreos: x\n', 'coreos:\n  units: {}\n', 'coreos:\n  units: [1, null, {enable: true}]\n', ''])(
    'finds no unit in %j, and does not choke on it',
    (body) => {
      expect(read(body)).toEqual({ kind: 'cloud-config', units: [], oemId: undefined })
    },
  )

  it('gives nothing for what coreos-cloudinit would not apply', () => {
    expect(readCloudConfig(Buffer.from('hostname: x\n'))).toBeUndefined()
    expect(read('a: [\n')).toBeUndefined()
    expect(readCloudConfig(Buffer.from('#!/bin/sh\n'))?.kind).toBe('script')
  })
})
