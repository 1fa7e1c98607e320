/**
 * What becomes of the OEM cloud-config, and the order of coreos-cloudinit's runs at every boot.
 *
 * Sources: coreos-cloudinit units/ (system-config.target, user-config.target and what they want); `../release/cloudinit-facts.ts`.
 */
import { type CloudinitFacts, cloudinitFactsOf } from '../release/cloudinit-facts.js'
import { CLOUD_CONFIG_PATH, noEffectOf } from '../release/eras.js'
import { formatRelease, type ImageRelease } from '../release/release.js'
import type { CloudConfigExplanation, ServiceExplanation } from './explanation.js'
import { servicesOfCloudConfig } from './services.js'
import { type BootTree, hasFile, isExecutable } from './tree.js'

const KINDS = { 'cloud-config': '', script: ', a script,', multipart: ', part by part,' } as const

export interface FoundCloudConfig {
  readonly explanation: CloudConfigExplanation
  readonly services: readonly ServiceExplanation[]
}

export function findCloudConfig(tree: BootTree, release: ImageRelease): FoundCloudConfig {
  const facts = cloudinitFactsOf(release)
  const there = hasFile(tree, CLOUD_CONFIG_PATH)
  if (facts === 'unknown' || release.kind === 'unknown') {
    const why = there
      ? 'whether the release reads it depends on the release, which is unknown'
      : `there is no ${CLOUD_CONFIG_PATH}`
    return without({ state: there ? 'unknown' : 'absent', unit: undefined, why, instead: undefined, order: [] })
  }
  const { unit } = facts.oemCloudConfig
  const { kind, services } = there
    ? servicesOfCloudConfig(tree, CLOUD_CONFIG_PATH)
    : ({ kind: 'broken', services: [] } as const)
  const order = bootOrder(tree, facts, there && kind !== 'broken' ? services : undefined)
  const said = { unit, instead: undefined, order }
  if (!there) return without({ ...said, state: 'absent', why: `there is no ${CLOUD_CONFIG_PATH}` })
  const vain = noEffectOf(CLOUD_CONFIG_PATH, release)
  if (vain !== undefined) {
    return without({
      state: 'not read',
      unit: undefined,
      why: vain.why,
      instead: vain.instead,
      order: bootOrder(tree, facts, undefined),
    })
  }
  if (kind === 'broken') {
    return without({ ...said, state: 'broken', why: 'coreos-cloudinit can not read it, and applies none of it' })
  }
  return {
    explanation: {
      ...said,
      state: 'applied',
      why: `${unit} of ${formatRelease(release)} applies it${KINDS[kind]} at every boot`,
    },
    services,
  }
}

function without(explanation: CloudConfigExplanation): FoundCloudConfig {
  return { explanation, services: [] }
}

/** @param services of the OEM cloud-config; undefined when it is not applied */
function bootOrder(
  tree: BootTree,
  { setupEnvironment, oemCloudConfig, installerFile }: CloudinitFacts,
  services: readonly ServiceExplanation[] | undefined,
): readonly string[] {
  const { script, unit } = setupEnvironment
  const runs = isExecutable(tree, script)
  const started = (services ?? []).filter(({ does }) => does === 'starts').map((service) => service.unit)
  return [
    `${unit} ${runs ? `runs ${script}, which writes addresses into /etc/environment` : `finds no executable ${script}, and does nothing`}`,
    ...(services === undefined ? [] : [`${oemCloudConfig.unit} applies ${oemCloudConfig.path}`]),
    ...(services === undefined && !oemCloudConfig.onOemPartition
      ? [`${oemCloudConfig.unit} applies ${oemCloudConfig.path} if an OEM extension brings one`]
      : []),
    ...(started.length === 0 ? [] : [`it starts ${started.join(', ')}`]),
    `user-config.target: ${installerFile}, the kernel argument cloud-config-url, a config drive`,
  ]
}
