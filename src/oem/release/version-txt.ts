/**
 * version.txt: the vendors' note on which release the files of a directory are.
 *
 * Shell assignments under one of two prefixes, `COREOS_VERSION=2512.3.0` or `FLATCAR_VERSION=3510.2.8`, with VERSION_ID and
 * BUILD_ID beside it; parsed, never sourced. VERSION is VERSION_ID, or VERSION_ID with the build behind a `+` for builds that
 * are no releases. BUILD_ID does not tell which: releases of Flatcar have one too (the version.txt of 2983.2.1 and 3510.2.6).
 *
 * It is text that nobody signed, and it may be of another release than the image it lies beside; so what it says is marked
 * as its word, and whatever is doubtful is `unknown`, for the image itself to tell.
 */
import { basename, dirname, join } from 'node:path'
import { readSmallFile } from '../../small-file.js'
import { branchOf, type Distro, formatDistro, type ImageRelease, parseAssignments } from './release.js'

const LIMIT_BYTES = 64 << 10

interface Vendor {
  readonly distro: Distro
  readonly keyPrefix: string
  /** What the names of its images start with. */
  readonly imagePrefix: string
}

/** Flatcar first: its keys were never in a version.txt of Container Linux. */
const VENDORS: readonly Vendor[] = [
  { distro: 'flatcar', keyPrefix: 'FLATCAR_', imagePrefix: 'flatcar_production_' },
  { distro: 'container-linux', keyPrefix: 'COREOS_', imagePrefix: 'coreos_production_' },
]

/** Parses a version.txt; one that is no vendor's, or does not tell, becomes `unknown` with the reason. */
export function parseVersionTxt(text: string): ImageRelease {
  const values = parseAssignments(text)
  const vendor = VENDORS.find(
    ({ keyPrefix }) => values.has(`${keyPrefix}VERSION`) || values.has(`${keyPrefix}VERSION_ID`),
  )
  if (vendor === undefined) return unknown('version.txt has neither COREOS_VERSION nor FLATCAR_VERSION')
  const { distro, keyPrefix } = vendor
  const versionId = values.get(`${keyPrefix}VERSION_ID`) ?? ''
  const version = values.get(`${keyPrefix}VERSION`) || versionId
  const branch = branchOf(version)
  if (branch === undefined) return unknown(`version.txt has no usable version, found ${quote(version)}`)
  if (versionId !== '' && version !== versionId && !version.startsWith(`${versionId}+`)) {
    return unknown(
      `version.txt contradicts itself: ${keyPrefix}VERSION is ${quote(version)}, ${keyPrefix}VERSION_ID is ${quote(versionId)}`,
    )
  }
  return { kind: 'known', distro, version, branch, from: 'version.txt' }
}

/**
 * Reads the version.txt in the image's directory; undefined when there is none. Never fails: the file is an offer, and the
 * image says the same.
 */
export async function readVersionTxt(imagePath: string): Promise<ImageRelease | undefined> {
  const path = join(dirname(imagePath), 'version.txt')
  try {
    const file = await readSmallFile(path, LIMIT_BYTES)
    if (file.kind === 'absent') return undefined
    if (file.kind === 'unfit') return unknown(`${path} ${file.reason}`)
    return matchingName(parseVersionTxt(file.text), basename(imagePath))
  } catch (error) {
    return unknown(error instanceof Error ? error.message : String(error))
  }
}

/**
 * A file that lies beside the other distribution's image is not about it; and while Flatcar was young its documentation
 * told to look for COREOS_VERSION_ID.
 */
function matchingName(release: ImageRelease, imageName: string): ImageRelease {
  const named = VENDORS.find(({ imagePrefix }) => imageName.startsWith(imagePrefix))
  if (release.kind === 'unknown' || named === undefined || named.distro === release.distro) return release
  return unknown(`version.txt is of ${formatDistro(release.distro)}, ${imageName} of ${formatDistro(named.distro)}`)
}

/** A value may be as long as the file. */
function quote(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text)
}

function unknown(reason: string): ImageRelease {
  return { kind: 'unknown', reason }
}
