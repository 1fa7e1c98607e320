/**
 * One file that is to end up on the OEM partition, and the checks of its content that need no image.
 *
 * What a file is follows from its path alone, whichever flag or template it came from.
 */
import { InternalError } from '../errors.js'
import { type CloudConfig, parseCloudConfig } from './cloud-config/cloud-config.js'
import { cloudConfigOemId } from './cloud-config/read-units.js'
import type { Finding } from './finding.js'
import { checkCommands } from './grub/check-commands.js'
import { checkSettings } from './grub/check-settings.js'
import { assertOemId, type GrubCfg, parseGrubCfg } from './grub/grub-cfg.js'
import type { LoadedFile } from './host-files.js'
import { checkIgnitionFile, type ParsedIgnition } from './ignition/ignition.js'
import { readOemRelease } from './oem-release/read-oem-release.js'
import { CLOUD_CONFIG_PATH, GRUB_CFG_PATH, IGNITION_PATHS, OEM_RELEASE_PATH } from './release/eras.js'
import type { ReleaseScope } from './release/release-scope.js'

/** What reads a file at boot, with what it will find in it. */
export type FileRole =
  | { readonly kind: 'grub-cfg'; readonly grub: GrubCfg }
  /** The id as Flatcar's updater sees it. */
  | { readonly kind: 'oem-release'; readonly id: string | undefined }
  | { readonly kind: 'cloud-config'; readonly cloudConfig: CloudConfig; readonly oemId: string | undefined }
  | {
      readonly kind: 'ignition'
      readonly config: ParsedIgnition
      /** Counts where the release translates 2.x configs. */
      readonly untranslatable: readonly Finding[]
    }
  | { readonly kind: 'plain' }

export interface ContentFile extends LoadedFile {
  /** On the OEM partition. */
  readonly path: string
  readonly mode: number
  /** Who asked for it: `template rackspace`, `--file`. */
  readonly origin: string
  /** What errors call it: the path on this machine. */
  readonly source: string
  /** Its bytes are those of `source`, as they are. @default made or rendered by us */
  readonly copied?: true
  /** Releases that it is for; empty: every one. */
  readonly scopes: readonly ReleaseScope[]
  readonly role: FileRole
  readonly findings: readonly Finding[]
}

/** Whether a path is read as text by somebody, so that its content is checked and compared. */
export function hasRole(path: string): boolean {
  return [CLOUD_CONFIG_PATH, GRUB_CFG_PATH, OEM_RELEASE_PATH, ...IGNITION_PATHS].includes(path)
}

/**
 * A file with what its checks say. They are made when they are first asked for: a template has files for every release, and
 * a bake wants those of one.
 *
 * Asking for `role` or `findings` throws ERR_CLOUD_CONFIG_INVALID | ERR_YAML_SYNTAX | ERR_IGNITION_INVALID |
 * ERR_OEM_ID_INVALID where the file can't be understood at all.
 */
export function contentFile(file: Omit<ContentFile, 'role' | 'findings'>): ContentFile {
  let checked: Pick<ContentFile, 'role' | 'findings'> | undefined
  const check = () => {
    checked ??= checkByRole(file)
    return checked
  }
  return {
    ...file,
    get role() {
      return check().role
    },
    get findings() {
      return check().findings
    },
  }
}

function checkByRole(file: Omit<ContentFile, 'role' | 'findings'>): Pick<ContentFile, 'role' | 'findings'> {
  const bytes = hasRole(file.path) ? bytesOf(file) : Buffer.alloc(0)
  const text = bytes.toString('utf8')
  switch (file.path) {
    case GRUB_CFG_PATH: {
      const grub = parseGrubCfg(text)
      for (const id of grub.oemIds.values()) if (id !== undefined) assertOemId(id)
      const findings = [...checkCommands(grub, file.source), ...checkSettings(grub, file.source)]
      return { role: { kind: 'grub-cfg', grub }, findings }
    }
    case OEM_RELEASE_PATH: {
      const { id, findings } = readOemRelease(text, file.source)
      return { role: { kind: 'oem-release', id }, findings }
    }
    case CLOUD_CONFIG_PATH: {
      const cloudConfig = parseCloudConfig(bytes, file.source)
      const oemId = cloudConfig.kind === 'cloud-config' ? cloudConfigOemId(cloudConfig.root) : undefined
      return { role: { kind: 'cloud-config', cloudConfig, oemId }, findings: cloudConfig.findings }
    }
    default:
      if (IGNITION_PATHS.includes(file.path)) {
        const { config, findings, untranslatable } = checkIgnitionFile(bytes, file.source, file.path)
        return { role: { kind: 'ignition', config, untranslatable }, findings }
      }
      return { role: { kind: 'plain' }, findings: [] }
  }
}

/** Whoever loads a file with a role loads it into memory (`content.ts`). */
function bytesOf(file: LoadedFile & { readonly path: string }): Buffer {
  if (file.content.kind === 'bytes') return Buffer.from(file.content.bytes)
  throw new InternalError('ERR_INTERNAL', `${file.path} was not loaded, but has to be looked into`)
}
