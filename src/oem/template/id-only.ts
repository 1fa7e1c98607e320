/**
 * Providers of whom an OEM partition says nothing but who they are: an id, kernel arguments, consoles. Rows of a table
 * instead of folders; `--template hetzner` works as it does with a folder.
 *
 * Where Ignition knows the id it fetches the user data itself, unless the id is one of those for which it does nothing.
 * Sources: coreos/coreos-overlay coreos-base/oem-*\/files/grub.cfg; flatcar/scripts build_library/oem/*\/grub.cfg and
 * coreos-base/common-oem-files; coreos/ignition internal/registry per tag for the releases (`release/platforms.ts`).
 */
import { createHash } from 'node:crypto'
import type { ReleaseScope } from '../release/release-scope.js'
import type { ManifestFile, TemplateManifest } from './template-manifest.js'
import { parseTemplateSource, type TemplateSource } from './template-source.js'
import type { VariableDeclaration } from './variables.js'

interface IdOnlyRow {
  readonly title: string
  readonly homepage: string
  /** ID in oem-release and platform id, where they are not the template's name. */
  readonly oemId?: string
  /** Who brings the user data to the machine. */
  readonly userData: string
  readonly distros: readonly ReleaseScope[]
  readonly linuxConsole?: string
  /** More lines of grub.cfg: how GRUB itself is seen. */
  readonly grubLines?: readonly string[]
}

/** Facts of an id that Ignition knows without doing anything for it. */
const QUIET = 'Ignition knows the id but fetches nothing: bake a config with --ignition or --cloud-config'
const BY_IGNITION = 'Ignition fetches user data'

/** Flatcar releases before 2605 followed Container Linux and are not looked after here. */
const ALL_FLATCAR: ReleaseScope = { distro: 'flatcar', from: 2605 }
const FLATCAR_BEFORE_V3: ReleaseScope = { distro: 'flatcar', from: 2605, below: 3185 }
const ALL_CONTAINER_LINUX: ReleaseScope = { distro: 'container-linux', from: 835 }
const flatcar = (from: number): readonly ReleaseScope[] => [{ distro: 'flatcar', from }]

const ROWS: Readonly<Record<string, IdOnlyRow>> = {
  akamai: {
    title: 'Akamai Connected Cloud',
    homepage: 'https://www.akamai.com/cloud',
    userData: `${BY_IGNITION} from the metadata service`,
    distros: flatcar(4081),
  },
  hetzner: {
    title: 'Hetzner Cloud',
    homepage: 'https://www.hetzner.com/cloud',
    userData: `${BY_IGNITION} from the metadata service`,
    distros: flatcar(3975),
  },
  hyperv: {
    title: 'Microsoft Hyper-V',
    homepage: 'https://learn.microsoft.com/windows-server/virtualization/hyper-v/',
    userData: 'Ignition reads the key-value pairs of Hyper-V from Flatcar 4593 on, and may fetch nothing before',
    distros: [ALL_CONTAINER_LINUX, FLATCAR_BEFORE_V3, { distro: 'flatcar', from: 3460 }],
  },
  interoute: {
    title: 'Interoute Virtual Data Centre',
    homepage: 'https://www.interoute.com/',
    userData: QUIET,
    distros: [ALL_CONTAINER_LINUX, FLATCAR_BEFORE_V3, { distro: 'flatcar', from: 3460, below: 3652 }],
  },
  kubevirt: {
    title: 'KubeVirt',
    homepage: 'https://kubevirt.io/',
    userData: `${BY_IGNITION} from the config drive`,
    distros: flatcar(3374),
  },
  niftycloud: {
    title: 'NIFCLOUD',
    homepage: 'https://www.nifcloud.com/',
    userData: QUIET,
    distros: [ALL_CONTAINER_LINUX, FLATCAR_BEFORE_V3, { distro: 'flatcar', from: 3460, below: 3652 }],
  },
  nutanix: {
    title: 'Nutanix AHV',
    homepage: 'https://www.nutanix.com/',
    userData: `${BY_IGNITION} from the config drive`,
    distros: flatcar(3185),
  },
  'oracle-oci': {
    title: 'Oracle Cloud Infrastructure',
    homepage: 'https://www.oracle.com/cloud/',
    userData: `${BY_IGNITION}; the iSCSI root that bare metal there needs is not set up`,
    distros: [{ distro: 'container-linux', from: 1535, below: 1786 }],
    linuxConsole: 'console=ttyS0,9600',
    grubLines: serialTerminal(9600),
  },
  oraclecloud: {
    title: 'Oracle Cloud Infrastructure',
    homepage: 'https://www.oracle.com/cloud/',
    userData: `${BY_IGNITION} from the metadata service`,
    distros: flatcar(4459),
  },
  proxmoxve: {
    title: 'Proxmox VE',
    homepage: 'https://www.proxmox.com/',
    userData: `${BY_IGNITION} from the config drive`,
    distros: flatcar(4152),
  },
  qemu: {
    title: 'QEMU',
    homepage: 'https://www.qemu.org/',
    userData: `${BY_IGNITION} that QEMU gives as opt/com.coreos/config, on Flatcar as opt/org.flatcar-linux/config too`,
    distros: [{ distro: 'container-linux', from: 1153 }, ALL_FLATCAR],
  },
  scaleway: {
    title: 'Scaleway',
    homepage: 'https://www.scaleway.com/',
    userData: `${BY_IGNITION} from the metadata service`,
    distros: flatcar(3975),
    linuxConsole: 'console=ttyS0,115200n8 earlycon=ttyS0,115200',
  },
  // STACKIT borrows the platform id of OpenStack, which it is compatible with.
  stackit: {
    title: 'STACKIT',
    homepage: 'https://www.stackit.de/',
    oemId: 'openstack',
    userData: `${BY_IGNITION} as on OpenStack: config drive and metadata service`,
    distros: flatcar(4230),
  },
  'vagrant-virtualbox': {
    title: 'Vagrant with VirtualBox',
    homepage: 'https://www.vagrantup.com/',
    userData: `${BY_IGNITION} from the guest property /Ignition/Config`,
    distros: [{ distro: 'container-linux', from: 1451 }, FLATCAR_BEFORE_V3],
  },
  virtualbox: {
    title: 'Oracle VirtualBox',
    homepage: 'https://www.virtualbox.org/',
    userData: `${BY_IGNITION} from the guest property /Ignition/Config`,
    distros: [{ distro: 'container-linux', from: 1451 }, ALL_FLATCAR],
  },
  // The vendor's edition also brought the hypervisor and a menu entry of its own for it.
  xendom0: {
    title: 'Xen, control domain',
    homepage: 'https://xenproject.org/',
    userData: 'Ignition knows the id but fetches nothing; the hypervisor and its menu entry are not included',
    distros: [{ distro: 'container-linux', from: 835, below: 1451 }],
    linuxConsole: 'console=hvc0 console=tty0',
  },
}

/** Sorted. */
export const ID_ONLY_NAMES: readonly string[] = Object.keys(ROWS).sort()

/** What `template.ts` makes a template of; undefined for a name that the table has not. */
export function idOnlyTemplate(name: string):
  | {
      readonly manifest: TemplateManifest
      readonly directory: string
      readonly sources: ReadonlyMap<string, TemplateSource>
      readonly sha256: string
    }
  | undefined {
  const row = Object.hasOwn(ROWS, name) ? ROWS[name] : undefined
  if (row === undefined) return undefined
  const oemId = row.oemId ?? name
  const texts = { 'grub.cfg': grubCfg(row), 'oem-release.yml': oemRelease(name) }
  return {
    manifest: {
      name,
      title: row.title,
      description: `Tells Ignition that the platform is ${oemId}, and nothing else. User data: ${row.userData}.`,
      homepage: row.homepage,
      oemId,
      variables: variablesOf(row),
      distros: row.distros,
      notes: [{ text: `user data: ${row.userData}`, scopes: [] }],
      files: [file('/grub.cfg', 'grub.cfg', 'grub'), file('/oem-release', 'oem-release.yml', 'oem-release')],
      contents: [],
    },
    directory: name,
    sha256: createHash('sha256')
      .update(JSON.stringify([name, row, texts]))
      .digest('hex'),
    sources: new Map([
      ['grub grub.cfg', parseTemplateSource('grub', Buffer.from(texts['grub.cfg']), `${name}/grub.cfg`)],
      [
        'oem-release oem-release.yml',
        parseTemplateSource('oem-release', Buffer.from(texts['oem-release.yml']), `${name}/oem-release.yml`),
      ],
    ]),
  }
}

function grubCfg({ title, linuxConsole, grubLines = [] }: IdOnlyRow): string {
  return [
    `# ${title}`,
    `set oem_id="\${{oem_id}}"`,
    `set linux_append="$linux_append \${{kernel_arguments}}"`,
    ...(linuxConsole === undefined ? [] : [`set linux_console="${linuxConsole}"`]),
    ...grubLines,
    '',
  ].join('\n')
}

function oemRelease(name: string): string {
  return [
    `ID: ${name}`,
    `VERSION_ID: \${{version_id}}`,
    `NAME: \${{title}}`,
    `HOME_URL: \${{home_url}}`,
    `BUG_REPORT_URL: \${{bug_report_url}}`,
    '',
  ].join('\n')
}

function variablesOf({ homepage }: IdOnlyRow): readonly VariableDeclaration[] {
  const url = 'https?://[^\\s"$`\\\\]+'
  const declare = (name: string, fallback: string, pattern: string, description: string): VariableDeclaration => ({
    name,
    type: 'string',
    default: fallback,
    pattern,
    description,
    secret: false,
  })
  return [
    declare(
      'version_id',
      '1',
      '[a-z0-9._-]+',
      'version of this edition, shown in oem-release; lower-case letters, digits, dots, dashes',
    ),
    declare('home_url', homepage, url, 'where users find out about the provider, an http or https URL'),
    declare('bug_report_url', homepage, url, 'where users report problems, an http or https URL'),
    declare(
      'kernel_arguments',
      '',
      '[A-Za-z0-9._,:=/@%+ -]*',
      'more kernel arguments, such as flatcar.autologin for a console without a password',
    ),
  ]
}

function file(path: string, source: string, format: ManifestFile['format']): ManifestFile {
  return { path, source, format, mode: 0o644, scopes: [] }
}

function serialTerminal(speed: number): readonly string[] {
  return [
    `serial com0 --speed=${speed} --word=8 --parity=no`,
    'terminal_input serial_com0',
    'terminal_output serial_com0',
  ]
}
