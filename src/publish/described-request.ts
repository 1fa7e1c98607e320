/**
 * A request as it may be published: what was asked for, without secrets and without this machine's directories.
 *
 * Manifest and provenance have it; in the words of SLSA these are a build's external parameters. What has no influence on
 * the bytes of the output (where it goes, whether an older one is replaced, where temporary files lie) is left out.
 */

import { basename } from 'node:path'
import { given } from '../given.js'
import { looksSecret } from '../oem/plan/secrets.js'
import type { GivenVariable } from '../oem/template/content-template.js'
import type { VariableValue } from '../oem/template/variables.js'
import type { BakeRequest } from '../request.js'
import { inputsOf } from './inputs.js'
import type { BakeRecord } from './record.js'

/** Where the output goes, how the work is done, and who is asked about the input; what the answer was is in the manifest. */
type WithoutInfluence =
  | 'output'
  | 'outputDirectory'
  | 'label'
  | 'force'
  | 'with'
  | 'sign'
  | 'tmpDir'
  | 'cache'
  | 'maxSizeBytes'
  | 'signature'
  | 'digests'
  | 'keys'

type Forgotten = Exclude<keyof BakeRequest, keyof DescribedRequest | WithoutInfluence>

/** Compiles only as long as somebody has decided about every field of a request. */
export const NOTHING_FORGOTTEN = {} satisfies Record<Forgotten, never>

export type DescribedVariable = { readonly value: VariableValue } | { readonly redacted: true }

export interface DescribedRequest {
  readonly image: string
  /** All bakes were taken back, and nothing was baked. */
  readonly unbake?: true
  readonly original?: string
  readonly verify: string
  readonly template?: string
  readonly variables?: Readonly<Record<string, DescribedVariable>>
  readonly variablesFile?: string
  readonly cloudConfig?: string
  readonly ignition?: { readonly file: string; readonly as: string }
  readonly oemId?: string
  readonly oemIdUnchecked?: true
  readonly files?: readonly { readonly source: string; readonly destination: string; readonly mode?: string }[]
  readonly remove?: readonly string[]
  readonly existing: string
  readonly allowBooted?: true
  readonly strict?: true
  readonly ignore?: readonly string[]
  readonly engine: string
  readonly release?: string
  readonly recompress?: { readonly level: number | null }
  readonly sourceDateEpoch?: number
}

/** What of a record a request is described by: all of it is known before the image is opened. */
export type RequestRecord = Pick<BakeRecord, 'content' | 'request' | 'sourceDateEpoch' | 'verb'>

export function describeRequest({ content, request, sourceDateEpoch, verb }: RequestRecord): DescribedRequest {
  const { cloudConfig, files, ignition, oemId, recompress, release, template, variablesFile } = request
  const { givenVariables } = content
  const { ignore, strict } = content.strictness
  return given({
    image: basename(request.image),
    unbake: onlyTrue(verb === 'unbake'),
    original: nameOf(request.original),
    verify: request.verify ?? 'auto',
    template: nameOf(template),
    variables: givenVariables.length === 0 ? undefined : describeVariables(givenVariables),
    variablesFile: nameOf(variablesFile),
    cloudConfig: nameOf(cloudConfig),
    ignition: ignition && { file: basename(ignition.path), as: ignition.as },
    oemId,
    oemIdUnchecked: onlyTrue(content.oemIdUnchecked),
    files: files?.map(({ destination, mode, source }) =>
      given({ source: basename(source), destination, mode: mode === undefined ? undefined : formatMode(mode) }),
    ),
    remove: request.remove,
    existing: content.existing,
    allowBooted: onlyTrue(request.allowBooted),
    strict: onlyTrue(strict),
    ignore: ignore.length === 0 ? undefined : ignore,
    engine: request.engine ?? 'auto',
    release,
    recompress: recompress && { level: recompress.level ?? null },
    sourceDateEpoch,
  })
}

/** Directories are the baker's own business. */
function nameOf(path: string | undefined): string | undefined {
  return path === undefined ? undefined : basename(path)
}

/** What is not asked for is not told. */
function onlyTrue(asked: boolean | undefined): true | undefined {
  return asked === true ? true : undefined
}

/** `0644` */
export function formatMode(mode: number): string {
  return mode.toString(8).padStart(4, '0')
}

/** Values that must not show in anything that is published. */
export function describedSecrets({ content }: BakeRecord): readonly string[] {
  return content.givenVariables.filter(isSecret).map(({ value }) => String(value))
}

/** Paths of this machine that messages may quote. */
export function describedPaths({ content, request, seen }: BakeRecord): readonly string[] {
  const { verification } = seen.image
  return [
    request.image,
    ...inputsOf(content, request),
    ...('digests' in verification ? verification.digests.map(({ file }) => file) : []),
    ...('file' in verification ? [verification.file] : []),
  ]
}

/** What the template declares a secret, and what looks like one all the same. */
function isSecret({ name, secret, type, value }: GivenVariable): boolean {
  return secret || (type !== 'file' && looksSecret(name, String(value)))
}

function describeVariables(variables: readonly GivenVariable[]): Readonly<Record<string, DescribedVariable>> {
  return Object.fromEntries(
    variables.map((variable): [string, DescribedVariable] => {
      const { name, type, value } = variable
      if (isSecret(variable)) return [name, { redacted: true }]
      return [name, { value: type === 'file' ? basename(String(value)) : value }]
    }),
  )
}
