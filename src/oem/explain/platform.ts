/**
 * Which platform Ignition takes, and how it comes to that: id on the command line, renaming, detection.
 *
 * Sources: `../release/platform-choice.ts`, `../release/platforms.ts`.
 */
import { OEM_RELEASE_PATH } from '../release/eras.js'
import { ignitionVersionOf } from '../release/ignition-versions.js'
import { type PlatformChoice, platformChoiceOf } from '../release/platform-choice.js'
import { knownPlatformIds } from '../release/platforms.js'
import { formatRelease, type ImageRelease, parseAssignments } from '../release/release.js'
import type { KernelCommandLine, PlatformExplanation } from './explanation.js'
import { argumentValue } from './kernel-command-line.js'
import { type BootTree, fileText } from './tree.js'

const UNKNOWN: PlatformExplanation = {
  oemId: undefined,
  platform: 'unknown',
  detected: [],
  known: 'unknown',
  why: ["the image's release is unknown, and it decides"],
}

/** @param line undefined where the release is unknown */
export function explainPlatform(
  tree: BootTree,
  release: ImageRelease,
  line: KernelCommandLine | undefined,
): PlatformExplanation {
  const choice = platformChoiceOf(release)
  if (choice === 'unknown') return UNKNOWN
  if (choice.from === 'nowhere') {
    return {
      ...UNKNOWN,
      platform: undefined,
      known: true,
      why: [`${formatRelease(release)} has no Ignition: nothing asks for a platform`],
    }
  }
  const given = choice.from === 'kernel argument' ? argumentOf(choice, line) : oemReleaseIdOf(tree)
  const why = [given.says]
  if (given.id !== undefined && !choice.detectedIds.includes(given.id)) {
    const platform = (Object.hasOwn(choice.renames, given.id) ? choice.renames[given.id] : undefined) ?? given.id
    if (platform !== given.id) why.push(`the initrd renames ${given.id} to ${platform}`)
    return { oemId: given.id, platform, detected: [], ...knowledge(platform, release, why) }
  }
  if (given.id !== undefined) why.push(`${given.id} counts as no id from branch 4722 on`)
  if (choice.withoutId.length === 0) {
    return {
      oemId: undefined,
      platform: undefined,
      detected: [],
      known: true,
      why: [...why, 'so Ignition does nothing'],
    }
  }
  const list = choice.withoutId.map(({ machine, platform }) => `${platform} on ${machine}`).join(', ')
  const platform = choice.withoutId.at(-1)?.platform ?? 'unknown'
  return {
    oemId: given.id,
    platform,
    detected: choice.withoutId,
    ...knowledge(platform, release, [...why, `so the initrd takes ${list}`]),
  }
}

interface GivenId {
  readonly id: string | undefined
  readonly says: string
}

function argumentOf({ argumentNames }: PlatformChoice, line: KernelCommandLine | undefined): GivenId {
  for (const name of argumentNames) {
    const id = line === undefined ? undefined : argumentValue(line, name)
    if (id !== undefined && id !== '') return { id, says: `the kernel command line has ${name}=${id}` }
  }
  return { id: undefined, says: `the kernel command line has no ${argumentNames.join('= and no ')}=` }
}

function oemReleaseIdOf(tree: BootTree): GivenId {
  const text = fileText(tree, OEM_RELEASE_PATH)
  const id = text === undefined ? undefined : parseAssignments(text).get('OEM_ID')
  return id === undefined || id === ''
    ? { id: undefined, says: 'oem-release has no line OEM_ID=' }
    : { id, says: `oem-release has OEM_ID=${id}` }
}

function knowledge(
  platform: string,
  release: ImageRelease,
  why: readonly string[],
): Pick<PlatformExplanation, 'known' | 'why'> {
  const ids = knownPlatformIds(release)
  if (ids === 'unknown') return { known: 'unknown', why }
  // A renamed id is looked up by its new name; of the old ones the list has those that may stand in grub.cfg.
  const known = ids.ids.includes(platform)
  const ignition = ignitionVersionOf(release)
  return {
    known,
    why: [
      ...why,
      `Ignition ${ignition} ${known ? `knows ${platform}` : `does not know ${platform}: the boot stops there`}`,
    ],
  }
}
