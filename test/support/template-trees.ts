/** What a template puts onto an empty OEM partition, for tests that go through all of them. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { resolveContent } from '#src/oem/content.js'
import type { BootExplanation } from '#src/oem/explain/explanation.js'
import type { Finding } from '#src/oem/finding.js'
import { HISTORY_PATH } from '#src/oem/history/history.js'
import { planBake } from '#src/oem/plan/plan.js'
import { parseReleaseArgument } from '#src/oem/release/release.js'
import { isInAnyScope } from '#src/oem/release/release-scope.js'
import { listTemplates } from '#src/oem/template/template.js'
import type { TemplateManifest } from '#src/oem/template/template-manifest.js'

/** Both sides of every edge of an era, as far as a table has one there. */
export const EDGE_RELEASES: readonly string[] = [
  ...[835, 1000, 1631, 1632, 2512].map((branch) => `container-linux:${branch}.0.0`),
  ...[2605, 2905, 3033, 3184, 3185, 3313, 3314, 3459, 3460, 3760, 3913, 4081, 4152, 4459, 4593, 4721, 4722, 4799].map(
    (branch) => `flatcar:${branch}.0.0`,
  ),
]

/** What stands for an agent that a variable names: executables by path, or a plain file. */
export const AGENTS: Readonly<Record<string, readonly string[]>> = {
  nova_agent: ['bin/nova-agent'],
  waagent: ['bin/waagent', 'lib/python/agent.py'],
  open_vm_tools: ['bin/vmtoolsd', 'lib64/libvmtools.so'],
  agent_aci: [],
  agent: ['bin/agent'],
}

export interface TemplateCase {
  readonly template: string
  readonly release: string
  readonly manifest: TemplateManifest
}

/** Every built-in template on each of those releases that it claims. */
export async function templateCases(): Promise<readonly TemplateCase[]> {
  const { templates } = await listTemplates({})
  return templates.flatMap(({ name, manifest }) =>
    EDGE_RELEASES.filter((release) => isInAnyScope(parseReleaseArgument(release), manifest.distros)).map((release) => ({
      template: name,
      release,
      manifest,
    })),
  )
}

export interface Tree {
  readonly files: ReadonlyMap<string, { readonly text: string; readonly bytes: Uint8Array; readonly mode: number }>
  readonly oemId: string | undefined
  readonly findings: readonly Finding[]
  readonly boot: BootExplanation
}

export async function bakedTree(
  template: string,
  release: string,
  variables: Readonly<Record<string, string>> = {},
): Promise<Tree> {
  const content = await resolveContent({ template, variables }, {})
  const plan = planBake(content, EMPTY, parseReleaseArgument(release))
  const files = plan.edits.flatMap((edit) => {
    if (edit.kind !== 'write-file' || edit.path === HISTORY_PATH) return []
    const bytes = edit.content.kind === 'bytes' ? edit.content.bytes : new Uint8Array()
    return [[edit.path, { bytes, text: Buffer.from(bytes).toString('utf8'), mode: edit.mode }] as const]
  })
  return { files: new Map(files), oemId: plan.oemId, findings: plan.findings, boot: plan.boot }
}

/** Values for the variables of a template that name files of this machine. */
export function agentVariables(manifest: TemplateManifest, directory: string): Readonly<Record<string, string>> {
  const names = manifest.variables.filter(({ type }) => type === 'file').map(({ name }) => name)
  return Object.fromEntries(names.map((name) => [name, layAgent(name, directory)]))
}

function layAgent(name: string, directory: string): string {
  const paths = AGENTS[name]
  if (paths === undefined) throw new Error(`no sample of the agent ${name}`)
  const root = join(directory, name)
  mkdirSync(directory, { recursive: true })
  if (paths.length === 0) writeFileSync(root, 'agent')
  for (const path of paths) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), '#!/bin/sh\n', { mode: 0o755 })
  }
  return root
}

const EMPTY = {
  entries: [],
  contents: new Map(),
  space: { blockBytes: 4096, totalBytes: 128 << 20, freeBytes: 99 << 20, freeInodes: 1000 },
  filesystem: { kind: 'btrfs', label: 'OEM', uuid: '', sizeBytes: 128 << 20 },
} as const
