/** What the vendors' own images hold (facts of oem-* packages), in our words: no check may take offence. */
import { describe, expect, it } from 'vitest'
import { ruleNamed } from '#src/oem/rules.js'
import { findingsOf } from '../../support/rule-examples.js'

const SERIAL =
  'serial com0 --speed=115200 --word=8 --parity=no\nterminal_input serial_com0\nterminal_output serial_com0\n'
const EC2_ARGUMENTS = 'modprobe.blacklist=xen_fbfront net.ifnames=0 nvme_core.io_timeout=4294967295'

const BOTH = ['container-linux:2512.3.0', 'flatcar:3510.2.8']
const FLATCAR = ['flatcar:3510.2.8', 'flatcar:4230.2.0', 'flatcar:4593.0.0']

const SHAPES: readonly (readonly [string, string, readonly string[]])[] = [
  ['rackspace', 'set oem_id="rackspace"\n', BOTH],
  [
    'ec2',
    `set oem_id="ec2"\nset linux_append="${EC2_ARGUMENTS}"\nif [ "$grub_platform" = pc ]; then\n\tset linux_console="console=ttyS0,115200n8"\n\tserial com0 --speed=115200 --word=8 --parity=no\n\tterminal_input serial_com0\n\tterminal_output serial_com0\nfi\n`,
    BOTH,
  ],
  [
    'ec2 with arm64',
    `set oem_id="ec2"\nset linux_append="$linux_append ${EC2_ARGUMENTS}"\nif [ "$grub_cpu" = arm64 ]; then\n  set linux_console="console=tty1 console=ttyS0,115200n8 earlycon"\nelif [ "$grub_platform" = pc ]; then\n  set linux_console="console=ttyS0,115200n8"\n  ${SERIAL}fi\n`,
    FLATCAR,
  ],
  [
    'azure',
    `set oem_id="azure"\nset linux_append="flatcar.autologin"\nset linux_console="console=tty1 console=ttyS0,115200n8 earlyprintk=ttyS0,115200"\nif [ "$grub_cpu" = arm64 ]; then\n  set linux_console="console=tty1 console=ttyAMA0,115200n8 earlycon=pl011,0xeffec000"\nfi\n${SERIAL}`,
    FLATCAR,
  ],
  ['azure', `set oem_id="azure"\nset linux_console="console=ttyS0,115200n8 earlyprintk=ttyS0,115200"\n${SERIAL}`, BOTH],
  ['gce', `set oem_id="gce"\nset linux_console="console=ttyS0,115200n8"\n${SERIAL}`, BOTH],
  [
    'packet',
    'set oem_id="packet"\nset linux_append="coreos.autologin"\nif [ "$grub_cpu" = i386 -o "$grub_cpu" = x86_64 ]; then\n  set linux_console="console=tty0 console=ttyS1,115200n8"\n  set gfxpayload="1024x768x8,1024x768"\nfi\n',
    BOTH,
  ],
  [
    'rackspace-onmetal',
    'set oem_id="rackspace-onmetal"\nset timeout=15\nset linux_append="modprobe.blacklist=mei_me net.ifnames=0"\nset linux_console="console=ttyS4,115200n8 8250.nr_uarts=5"\n',
    ['container-linux:2512.3.0'],
  ],
  [
    'xendom0',
    'set oem_id="xendom0"\nset linux_console="console=hvc0 console=tty0"\nset default="xen"\nserial com0\nterminal_output serial_com0 console\nmenuentry "Xen" --id=xen {\n  gptprio.next -d usr -u usr_uuid\n  multiboot (hd0)/xen\n  module (hd0)/vmlinuz $linux_console\n}\n',
    ['container-linux:1000.0.0'],
  ],
  ['openstack', 'set oem_id="openstack"\nset linux_append="flatcar.autologin"\n', FLATCAR],
  ['qemu', 'set oem_id="qemu"\nset linux_append="$linux_append flatcar.autologin"\n', FLATCAR],
  [
    'scaleway',
    'set oem_id="scaleway"\nset linux_console="console=ttyS0,115200n8 earlycon=ttyS0,115200"\n',
    ['flatcar:4230.2.0'],
  ],
]

const CASES = SHAPES.flatMap(([name, text, releases]) => releases.map((release) => ({ name, text, release })))

describe('checks of grub.cfg', () => {
  it.each(CASES)('find nothing above a note in what $release ships for $name', async ({ release, text }) => {
    const findings = await findingsOf({ files: { '/grub.cfg': text }, release })
    const ofGrub = findings.filter(({ rule }) => ruleNamed(rule)?.code === 'ERR_GRUB_CFG_INVALID')
    expect(ofGrub.filter(({ severity }) => severity !== 'note')).toEqual([])
    // The file was checked, and nothing else stands in the way.
    expect(findings.filter(({ severity }) => severity === 'error')).toEqual([])
  })
})
