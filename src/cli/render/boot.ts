/**
 * What a machine will do at boot, as text: all of it for `explain`, a few lines for `plan`.
 *
 * Every sentence may hold text from the image, so every one goes through `rows`, which lets no control character pass.
 */
import type {
  BootExplanation,
  KernelCommandLine,
  PlatformExplanation,
  ServiceExplanation,
} from '../../oem/explain/explanation.js'
import type { ExplainReport } from '../../report.js'
import { headText } from './head.js'
import { visible } from './table.js'
import { labelled } from './wrap.js'

const WIDTH = 16

export function explainText(report: ExplainReport): string {
  const { boot } = report
  const as = report.plan === undefined ? 'as it is' : 'as a bake with these flags would leave it'
  return [
    ...headText(report, report.bakedBy),
    `explained   ${as}`,
    ...titled('Would not boot', stopsText(boot)),
    ...titled('Kernel command line', commandLinesText(boot)),
    ...titled('Ignition, on the first boot', ignitionText(boot)),
    ...titled('coreos-cloudinit, at every boot', cloudinitText(boot)),
    ...titled('Units of the OEM partition', servicesText(boot.services)),
    ...titled("End users' data", userDataText(boot)),
    ...titled('Nothing reads', ignoredText(boot)),
    ...titled('Later', [...rows('mounted', mountText(boot)), ...rows('OS update', [boot.update])]),
    '',
  ].join('\n')
}

/** The few lines of a plan. */
export function bootSummary(boot: BootExplanation): readonly string[] {
  const { userData, sshKeys, stops } = boot
  return [
    'At boot',
    ...rows('stops', stops),
    ...rows('platform', [platformLine(boot.platform)]),
    ...rows('user data', [
      `an Ignition config: ${userData.ignitionConfigs.how}`,
      `a cloud-config: ${userData.cloudConfigs.how}`,
      `because ${userData.why}`,
    ]),
    ...rows('SSH keys', [sshKeys.says]),
    ...(boot.ignored.length === 0 ? [] : rows('nothing reads', [boot.ignored.map(({ path }) => path).join(', ')])),
  ]
}

function titled(title: string, lines: readonly string[]): readonly string[] {
  return lines.length === 0 ? [] : ['', title, ...lines]
}

function rows(label: string, texts: readonly string[]): readonly string[] {
  return labelled(
    label,
    texts.map((text) => visible(text).replaceAll('\n', '\\u{a}')),
    WIDTH,
  )
}

function stopsText({ stops }: BootExplanation): readonly string[] {
  return stops.flatMap((stop) => rows('', [stop]))
}

function commandLinesText({ commandLines, secureBoot, release }: BootExplanation): readonly string[] {
  if (release.kind === 'unknown')
    return rows('', ['it depends on the release, which is unknown: name it with --release'])
  const [first] = commandLines
  return [
    ...commandLines.flatMap((line) =>
      rows(line.machine, [
        line !== first && first?.arguments.join(' ') === line.arguments.join(' ')
          ? 'the same'
          : line.arguments.join(' '),
        ...notes(line),
      ]),
    ),
    ...(first === undefined || first.firstBootOnly.length === 0
      ? []
      : rows('once', [`${first.firstBootOnly.join(' ')}: on the first boot only`])),
    ...rows('around it', ["the kernel's path, mount.usr= and verity.usr= before, verity.usrhash= behind"]),
    ...rows('Secure Boot', [secureBoot.says]),
  ]
}

function notes({ grubCfg, why, uncertain }: KernelCommandLine): readonly string[] {
  return [
    ...(grubCfg === 'absent' ? ['there is no grub.cfg on the OEM partition'] : []),
    ...(why === undefined ? [] : [`grub.cfg is not read: ${why}`]),
    ...uncertain.map((doubt) => `grub.cfg, ${doubt}`),
  ]
}

function platformLine({ platform, oemId, detected, known }: PlatformExplanation): string {
  if (platform === 'unknown') return 'unknown: name the release with --release'
  if (platform === undefined) return 'none'
  const found = detected.map((row) => `${row.platform} on ${row.machine}`).join(', ')
  if (found !== '') return `${found} (${oemId === undefined ? 'no' : oemId} id on the kernel command line)`
  const renamed = oemId === undefined || oemId === platform ? '' : ` (oem_id ${oemId})`
  return `${platform}${renamed}${known === false ? ', which Ignition does not know' : ''}`
}

function ignitionText({ platform, platformOnEfi, userConfigOrder, configs }: BootExplanation): readonly string[] {
  return [
    ...rows('platform', [platformLine(platform), ...platform.why]),
    ...(platformOnEfi === undefined ? [] : rows('on UEFI', [platformLine(platformOnEfi), ...platformOnEfi.why])),
    ...rows('user config', userConfigOrder),
    ...configs.flatMap(({ path, use, spec, why }) =>
      rows('config', [`${path}${spec === undefined ? '' : ` (version ${spec})`}: ${use}`, why]),
    ),
  ]
}

function cloudinitText({ cloudConfig }: BootExplanation): readonly string[] {
  const { state, why, order } = cloudConfig
  // Why a file is not read, and what to do instead, stands under "Nothing reads".
  return [
    ...rows('cloud-config', [state === 'not read' ? 'not read: see below' : `${state}: ${why}`]),
    ...rows('in order', order),
  ]
}

function servicesText(services: readonly ServiceExplanation[]): readonly string[] {
  return services.flatMap(({ does, unit, from, when, cloudinit, missing }) =>
    rows(does, [
      [
        `${unit}, as ${from} says`,
        ...(when === 'never' || does === 'masks' ? [] : [when]),
        ...(cloudinit === undefined ? [] : [`it runs coreos-cloudinit ${cloudinit}`.trimEnd()]),
        ...missing.map((path) => `it runs ${path}, which is not there`),
      ].join('; '),
    ]),
  )
}

function userDataText({ userData, sshKeys }: BootExplanation): readonly string[] {
  const { ignitionConfigs, cloudConfigs, also } = userData
  return [
    ...rows('by', [userData.by]),
    ...rows('Ignition', [ignitionConfigs.how, ignitionConfigs.why]),
    ...rows('cloud-config', [cloudConfigs.how, cloudConfigs.why]),
    ...also.flatMap(({ how, why }) => rows('and also', [how, why])),
    ...rows('SSH keys', [sshKeys.says]),
  ]
}

function ignoredText({ ignored }: BootExplanation): readonly string[] {
  return ignored.flatMap(({ path, why, instead }) =>
    rows('', [`${path}: ${why}`, ...(instead === undefined ? [] : [`instead: ${instead}`])]),
  )
}

function mountText({ mount }: BootExplanation): readonly string[] {
  if (mount === 'unknown') return ['it depends on the release, which is unknown']
  const { mountPoint, unit, mounts } = mount
  return [`${mountPoint}, by ${unit}${mounts === false ? ", which can't mount this filesystem" : ''}`]
}
