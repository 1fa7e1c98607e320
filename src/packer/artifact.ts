/**
 * Artifacts, as Packer's next post-processors and Packer itself ask for them, for as long as this process lives.
 *
 * Source: hashicorp/packer 1.6.6 packer/artifact.go and packer/rpc/artifact.go. What `Destroy` fails with goes into the
 * header's Error: its reply is a bare Go error, which no map decodes into.
 */
import { rm } from 'node:fs/promises'
import { field } from '../oem/mapping.js'
import type { RpcClient, Service } from './wire/rpc.js'

export const BUILDER_ID = 'oem-bake.post-processor'

/** The artifact that a build hands us. */
export interface InputArtifact {
  readonly files: readonly string[]
  /** What the builder tells of its run; a map or nothing. */
  readonly generated: unknown
}

export async function readArtifact(packer: RpcClient): Promise<InputArtifact> {
  const files = await packer.call('Artifact.Files')
  const generated = await packer.call('Artifact.State', 'generated_data')
  return { files: Array.isArray(files) ? files.filter((path) => typeof path === 'string') : [], generated }
}

export interface Edition {
  readonly path: string
  readonly sha256: string
  /** What was published beside it. */
  readonly sideFiles: readonly string[]
}

/** A new file. Its side files go when it goes, but are none of what checksum or compress should take. */
export function editionArtifact({ path, sha256, sideFiles }: Edition, { generated }: InputArtifact): Service {
  return {
    'Artifact.BuilderId': () => BUILDER_ID,
    'Artifact.Files': () => [path],
    'Artifact.Id': () => `sha256:${sha256}`,
    'Artifact.String': () => `Edition for a provider: ${path}`,
    // Later ones take it for a map without looking.
    'Artifact.State': (name) => (name === 'generated_data' ? generated : null),
    'Artifact.Destroy': async () => {
      for (const file of [path, ...sideFiles]) await rm(file, { force: true })
    },
  }
}

/** The artifact that came in, its image now another one: whoever accepts only this builder's artifacts still does. */
export function sameArtifact(packer: RpcClient): Service {
  const names = ['BuilderId', 'Files', 'Id', 'String', 'State', 'Destroy']
  return Object.fromEntries(
    names.map((name) => [`Artifact.${name}`, (argument: unknown) => packer.call(`Artifact.${name}`, argument)]),
  )
}

/** The `output` of a bake's report. */
export function editionOf(document: unknown): Edition | undefined {
  const output = field(document, 'output')
  const path = field(output, 'path')
  const sha256 = field(output, 'sha256')
  const files = field(output, 'files')
  if (typeof path !== 'string' || typeof sha256 !== 'string') return undefined
  const sideFiles = (Array.isArray(files) ? files : []).map((file: unknown) => field(file, 'path'))
  return { path, sha256, sideFiles: sideFiles.filter((name) => typeof name === 'string') }
}
