/**
 * Files whose names are almost those of files that somebody reads: `cloud-config.yaml`, `Grub.cfg`, `base.ign` at the root.
 * Nothing complains about them on a machine; they are just not there for anybody.
 */
import type { Finding } from '../finding.js'
import {
  BASE_IGN_PATH,
  CLOUD_CONFIG_PATH,
  CONFIG_IGN_PATH,
  DEFAULT_IGN_PATH,
  GRUB_CFG_PATH,
  OEM_RELEASE_PATH,
} from '../release/eras.js'
import { TREE_RULES } from './rules.js'
import type { TreeFile } from './tree-file.js'

const READ_PATHS: readonly string[] = [
  CLOUD_CONFIG_PATH,
  GRUB_CFG_PATH,
  OEM_RELEASE_PATH,
  BASE_IGN_PATH,
  DEFAULT_IGN_PATH,
  CONFIG_IGN_PATH,
  '/bin/coreos-setup-environment',
  '/bin/flatcar-setup-environment',
  '/bin/oem-postinst',
]

/** Other names that people give them, in lower case; by the name that is read. */
const ALIASES: readonly (readonly [string, readonly string[]])[] = [
  [
    CLOUD_CONFIG_PATH,
    words(
      `/cloud-config /cloud-config.yaml /cloud_config.yml /cloud_config.yaml /cloudconfig.yml /cloudconfig.yaml
       /cloud-init.yml /cloud-init.yaml /user-data /user_data /userdata /user-data.yml /user-data.yaml /user-data.txt
       /config.yml /config.yaml /base/cloud-config.yml`,
    ),
  ],
  [GRUB_CFG_PATH, words('/grub.conf /grub /grub/grub.cfg /boot/grub.cfg /boot/grub/grub.cfg /boot/grub2/grub.cfg')],
  [OEM_RELEASE_PATH, words('/oem_release /oemrelease /os-release /etc/oem-release /oem-release.txt')],
  [
    BASE_IGN_PATH,
    words('/base.ign /base.json /base/base.json /ignition/base.ign /base.d/base.ign /base/base.ignition'),
  ],
  [DEFAULT_IGN_PATH, words('/default.ign /default.json /base/default.json /ignition/default.ign')],
  [
    CONFIG_IGN_PATH,
    words('/config.json /config.ignition /ignition.json /ignition.ign /user.ign /base/config.ign /base/user.ign'),
  ],
]

export function checkNames(files: readonly TreeFile[]): readonly Finding[] {
  return files.flatMap(({ isWritten, path }) => {
    const right = isWritten ? rightNameOf(path) : undefined
    if (right === undefined || isReferredTo(path, files)) return []
    return [
      TREE_RULES.found('name-not-read', `nothing reads ${path} from the OEM partition`, {
        hint: `did you mean ${right}? nothing else is looked for under such a name`,
      }),
    ]
  })
}

/** The path that is read instead; undefined for what is right, and for what nobody could mean. */
export function rightNameOf(path: string): string | undefined {
  if (READ_PATHS.includes(path)) return undefined
  const lower = path.toLowerCase()
  const name = lower.slice(lower.lastIndexOf('/') + 1)
  return (
    READ_PATHS.find((known) => known === lower) ??
    ALIASES.find(([, aliases]) => aliases.includes(lower))?.[0] ??
    // A hook in the wrong folder.
    READ_PATHS.find((known) => known.startsWith('/bin/') && known === `/bin/${name}` && path.split('/').length <= 3)
  )
}

/** Somebody's own unit or config names it, so it is read after all. */
function isReferredTo(path: string, files: readonly TreeFile[]): boolean {
  return files.some(({ text }) => text?.includes(`/oem${path}`) === true || text?.includes(`oem://${path}`) === true)
}

function words(text: string): readonly string[] {
  return text.trim().split(/\s+/)
}
