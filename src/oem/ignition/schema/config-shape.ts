/**
 * The shape of an Ignition config in every version from 2.0.0 to 3.6.0, and of the oldest form, 1: which fields there
 * are, of what type, and since when.
 *
 * Sources: coreos/ignition doc/configuration-v2_0.md to -v2_4.md, docs/configuration-v3_0.md to -v3_6.md, config/v1/types.
 * What must be unique: config/v3_*_/types, the Key methods, and config/validate/validate.go.
 */
import {
  BOOLEAN,
  changing,
  INTEGER,
  list,
  object,
  optional,
  required,
  type Shape,
  spec2,
  spec3,
  TEXT,
} from './shape.js'

const VERIFICATION = object('verification', { hash: optional(TEXT) })

const HEADERS = list(object('HTTP header', { name: required(TEXT), value: optional(TEXT) }), { by: 'name' })

/** Something that is fetched. Compression came to all of them with 3.1.0; files had it from the start. */
const resource = (name: string, sourceIsRequired: boolean, compressed: boolean) =>
  object(name, {
    source: sourceIsRequired ? required(TEXT) : optional(TEXT),
    compression: compressed ? optional(TEXT) : optional(TEXT, spec3('3.1.0')),
    httpHeaders: optional(HEADERS, spec2('2.4.0'), spec3('3.1.0')),
    verification: optional(VERIFICATION),
  })

const CONTENTS = resource('contents', false, true)
const REFERENCE = resource('config reference', true, false)
const REPLACEMENT = resource('replacing config', false, false)

const IGNITION = object('ignition section', {
  version: required(TEXT),
  config: optional(
    object('config section', {
      append: optional(list(REFERENCE), spec2()),
      merge: optional(list(REFERENCE, { by: 'source' }), spec3()),
      replace: optional(REPLACEMENT),
    }),
  ),
  timeouts: optional(
    object('timeouts', { httpResponseHeaders: optional(INTEGER), httpTotal: optional(INTEGER) }),
    spec2('2.1.0'),
    spec3(),
  ),
  security: optional(
    object('security section', {
      tls: optional(
        object('tls section', {
          certificateAuthorities: optional(list(resource('certificate authority', true, false), { by: 'source' })),
        }),
      ),
    }),
    spec2('2.2.0'),
    spec3(),
  ),
  proxy: optional(
    object('proxy', {
      httpProxy: optional(TEXT),
      httpsProxy: optional(TEXT),
      noProxy: optional(list(TEXT, { by: 'itself' })),
    }),
    spec2('2.4.0'),
    spec3('3.1.0'),
  ),
})

const DISK = object('disk', {
  device: required(TEXT),
  wipeTable: optional(BOOLEAN),
  partitions: optional(
    list(
      object('partition', {
        label: optional(TEXT),
        number: optional(INTEGER),
        size: optional(INTEGER, spec2()),
        start: optional(INTEGER, spec2()),
        sizeMiB: optional(INTEGER, spec2('2.3.0'), spec3()),
        startMiB: optional(INTEGER, spec2('2.3.0'), spec3()),
        typeGuid: optional(TEXT),
        guid: optional(TEXT, spec2('2.1.0'), spec3()),
        wipePartitionEntry: optional(BOOLEAN, spec2('2.3.0'), spec3()),
        shouldExist: optional(BOOLEAN, spec2('2.3.0'), spec3()),
        resize: optional(BOOLEAN, spec3('3.2.0')),
      }),
    ),
  ),
})

const RAID = object('raid array', {
  name: required(TEXT),
  level: required(TEXT),
  devices: required(list(TEXT, { by: 'itself' })),
  spares: optional(INTEGER),
  options: optional(list(TEXT), spec2('2.1.0'), spec3()),
})

const LUKS = object('luks device', {
  name: required(TEXT),
  device: required(TEXT),
  keyFile: optional(CONTENTS),
  label: optional(TEXT),
  uuid: optional(TEXT),
  options: optional(list(TEXT)),
  discard: optional(BOOLEAN, spec3('3.4.0')),
  openOptions: optional(list(TEXT), spec3('3.4.0')),
  wipeVolume: optional(BOOLEAN),
  clevis: optional(
    object('clevis section', {
      tang: optional(
        list(
          object('tang server', {
            url: required(TEXT),
            thumbprint: required(TEXT),
            advertisement: optional(TEXT, spec3('3.4.0')),
          }),
          { by: 'url' },
        ),
      ),
      tpm2: optional(BOOLEAN),
      threshold: optional(INTEGER),
      custom: optional(
        object('custom clevis section', {
          pin: optional(TEXT),
          config: optional(TEXT),
          needsNetwork: optional(BOOLEAN),
        }),
      ),
    }),
  ),
  cex: optional(object('cex section', { enabled: optional(BOOLEAN) }), spec3('3.5.0')),
})

/** What makes a filesystem: the mount section of 2.x, the filesystem itself in 3.x. */
const MAKING = {
  device: required(TEXT),
  wipeFilesystem: optional(BOOLEAN, spec2('2.1.0'), spec3()),
  label: optional(TEXT, spec2('2.1.0'), spec3()),
  uuid: optional(TEXT, spec2('2.1.0'), spec3()),
  options: optional(list(TEXT), spec2('2.1.0'), spec3()),
}

const FILESYSTEM_2 = object('filesystem', {
  name: optional(TEXT),
  mount: optional(
    object('mount section', {
      ...MAKING,
      format: required(TEXT),
      create: optional(object('create section', { force: optional(BOOLEAN), options: optional(list(TEXT)) })),
    }),
  ),
  path: optional(TEXT),
})

const FILESYSTEM_3 = object('filesystem', {
  ...MAKING,
  format: optional(TEXT),
  path: optional(TEXT),
  mountOptions: optional(list(TEXT), spec3('3.1.0')),
})

const owner = (name: string) => object(name, { id: optional(INTEGER), name: optional(TEXT, spec2('2.1.0'), spec3()) })

const NODE = {
  filesystem: required(TEXT, spec2()),
  path: required(TEXT),
  user: optional(owner('user')),
  group: optional(owner('group')),
}
const OVERWRITE = optional(BOOLEAN, spec2('2.2.0'), spec3())

const NODES = { by: 'path', group: 'node' }

const UNIT = object('unit', {
  name: required(TEXT),
  enable: optional(BOOLEAN, spec2()),
  enabled: optional(BOOLEAN, spec2('2.1.0'), spec3()),
  mask: optional(BOOLEAN),
  contents: optional(TEXT),
  dropins: optional(list(object('drop-in', { name: required(TEXT), contents: optional(TEXT) }), { by: 'name' })),
})

const networkUnit = (dropins: Readonly<Record<string, ReturnType<typeof optional>>>) =>
  object('networkd unit', { name: required(TEXT), contents: optional(TEXT), ...dropins })

/** An account's own fields: below `create` in the beginning, beside the name since 2.1.0. */
const ACCOUNT = {
  uid: optional(INTEGER),
  gecos: optional(TEXT),
  homeDir: optional(TEXT),
  noCreateHome: optional(BOOLEAN),
  primaryGroup: optional(TEXT),
  groups: optional(list(TEXT, { by: 'itself' })),
  noUserGroup: optional(BOOLEAN),
  noLogInit: optional(BOOLEAN),
  shell: optional(TEXT),
}

const since21 = (fields: typeof ACCOUNT) =>
  Object.fromEntries(
    Object.entries(fields).map(([name, field]) => [
      name,
      { ...field, variants: field.variants.map(({ shape }) => ({ shape, ranges: [spec2('2.1.0'), spec3()] })) },
    ]),
  )

const USER = object('user', {
  name: required(TEXT),
  passwordHash: optional(TEXT),
  sshAuthorizedKeys: optional(list(TEXT, { by: 'itself' })),
  create: optional(object('create section', { ...ACCOUNT, system: optional(BOOLEAN) }), spec2()),
  ...since21(ACCOUNT),
  system: optional(BOOLEAN, spec2('2.1.0'), spec3()),
  shouldExist: optional(BOOLEAN, spec3('3.2.0')),
})

const GROUP = object('group', {
  name: required(TEXT),
  gid: optional(INTEGER),
  passwordHash: optional(TEXT),
  system: optional(BOOLEAN),
  shouldExist: optional(BOOLEAN, spec3('3.2.0')),
})

const PASSWD = object('passwd section', {
  users: optional(list(USER, { by: 'name' })),
  groups: optional(list(GROUP, { by: 'name' })),
})

/** Specs 2.0.0 and later. */
export const CONFIG_SHAPE: Shape = object('config', {
  ignition: required(IGNITION),
  storage: optional(
    object('storage section', {
      disks: optional(list(DISK, { by: 'device' })),
      raid: optional(list(RAID, { by: 'name' })),
      luks: optional(list(LUKS, { by: 'name' }), spec3('3.2.0')),
      filesystems: changing(
        optional(list(FILESYSTEM_2), spec2()),
        optional(list(FILESYSTEM_3, { by: 'device' }), spec3()),
      ),
      files: optional(
        list(
          object('file', {
            ...NODE,
            overwrite: OVERWRITE,
            contents: optional(CONTENTS),
            append: changing(optional(BOOLEAN, spec2('2.2.0')), optional(list(CONTENTS), spec3())),
            mode: optional(INTEGER),
          }),
          NODES,
        ),
      ),
      directories: optional(
        list(object('directory', { ...NODE, overwrite: OVERWRITE, mode: optional(INTEGER) }), NODES),
        spec2('2.1.0'),
        spec3(),
      ),
      links: optional(
        list(object('link', { ...NODE, overwrite: OVERWRITE, target: required(TEXT), hard: optional(BOOLEAN) }), NODES),
        spec2('2.1.0'),
        spec3(),
      ),
    }),
  ),
  systemd: optional(object('systemd section', { units: optional(list(UNIT, { by: 'name' })) })),
  networkd: optional(
    object('networkd section', {
      units: optional(
        list(
          networkUnit({
            dropins: optional(
              list(object('drop-in', { name: required(TEXT), contents: optional(TEXT) })),
              spec2('2.2.0'),
            ),
          }),
        ),
      ),
    }),
    spec2(),
  ),
  passwd: optional(PASSWD),
  kernelArguments: optional(
    object('kernelArguments section', {
      shouldExist: optional(list(TEXT, { by: 'itself', group: 'kernel argument' })),
      shouldNotExist: optional(list(TEXT, { by: 'itself', group: 'kernel argument' })),
    }),
    spec3('3.3.0'),
  ),
})

/** The oldest form. Files stand below their filesystem and hold their text as it is. */
export const CONFIG_SHAPE_1: Shape = object('config', {
  ignitionVersion: required(INTEGER),
  storage: optional(
    object('storage section', {
      disks: optional(
        list(
          object('disk', {
            device: required(TEXT),
            wipeTable: optional(BOOLEAN),
            partitions: optional(
              list(
                object('partition', {
                  label: optional(TEXT),
                  number: optional(INTEGER),
                  size: optional(INTEGER),
                  start: optional(INTEGER),
                  typeGuid: optional(TEXT),
                }),
              ),
            ),
          }),
        ),
      ),
      raid: optional(
        list(
          object('raid array', {
            name: required(TEXT),
            level: required(TEXT),
            devices: required(list(TEXT)),
            spares: optional(INTEGER),
          }),
        ),
      ),
      filesystems: optional(
        list(
          object('filesystem', {
            device: required(TEXT),
            format: required(TEXT),
            create: optional(object('create section', { force: optional(BOOLEAN), options: optional(list(TEXT)) })),
            files: optional(
              list(
                object('file', {
                  path: required(TEXT),
                  contents: optional(TEXT),
                  mode: optional(INTEGER),
                  uid: optional(INTEGER),
                  gid: optional(INTEGER),
                }),
              ),
            ),
          }),
        ),
      ),
    }),
  ),
  systemd: optional(
    object('systemd section', {
      units: optional(
        list(
          object('unit', {
            name: required(TEXT),
            enable: optional(BOOLEAN),
            mask: optional(BOOLEAN),
            contents: optional(TEXT),
            dropins: optional(list(object('drop-in', { name: required(TEXT), contents: optional(TEXT) }))),
          }),
        ),
      ),
    }),
  ),
  networkd: optional(object('networkd section', { units: optional(list(networkUnit({}))) })),
  passwd: optional(
    object('passwd section', {
      users: optional(
        list(
          object('user', {
            name: required(TEXT),
            passwordHash: optional(TEXT),
            sshAuthorizedKeys: optional(list(TEXT)),
            create: optional(object('create section', ACCOUNT)),
          }),
        ),
      ),
      groups: optional(
        list(object('group', { name: required(TEXT), gid: optional(INTEGER), passwordHash: optional(TEXT) })),
      ),
    }),
  ),
})

export function configShape(spec: string): Shape {
  return spec === '1' ? CONFIG_SHAPE_1 : CONFIG_SHAPE
}
