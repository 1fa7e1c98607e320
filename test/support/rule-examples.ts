/**
 * One failing input and one passing neighbour for a rule, as data; `test/oem/rules.test.ts` runs them all through content
 * and plan, as a bake does, and wants one for every rule there is.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { OemEntry } from '#src/engine/engine.js'
import { OemBakeError } from '#src/errors.js'
import { resolveContent } from '#src/oem/content.js'
import type { Finding } from '#src/oem/finding.js'
import { type OemState, planBake } from '#src/oem/plan/plan.js'
import { parseReleaseArgument } from '#src/oem/release/release.js'
import type { ContentRequest, RequestedFile } from '#src/request.js'
import { historyOf } from './model-tree.js'

/** A file's text, or with its mode; null is a directory. */
export type Node = string | Buffer | { readonly content: string | Buffer; readonly mode: number } | null

export interface RuleInput {
  /** Baked with --file, by path on the OEM partition. */
  readonly files?: Readonly<Record<string, Exclude<Node, null>>>
  /** On the OEM partition before. */
  readonly tree?: Readonly<Record<string, Node>>
  /** `unknown`, or as for --release. @default container-linux:2512.3.0 */
  readonly release?: string
  /** The files of a template that is made for this and baked. */
  readonly template?: Readonly<Record<string, string>>
  /** Anything else that is asked for. */
  readonly request?: ContentRequest
  readonly state?: Partial<Pick<OemState, 'filesystem' | 'space'>>
}

export interface RuleExample {
  readonly rule: string
  readonly failing: RuleInput
  readonly passing: RuleInput
  /** Where the failing input is wrong, for rules that tell. */
  readonly line?: number
  readonly column?: number
}

/** Everything that a bake of this would be told, errors included. */
export async function findingsOf(input: RuleInput): Promise<readonly Finding[]> {
  // Of its own for each call: examples run in many test files, and in tests, where nothing can be left to a hook.
  const directory = mkdtempSync(join(tmpdir(), 'oem-bake-test-rule-'))
  const files = Object.entries(input.files ?? {}).map(([destination, node], index): RequestedFile => {
    const { content, mode } = asFile(node)
    const source = join(directory, `${index}-${destination.slice(destination.lastIndexOf('/') + 1)}`)
    writeFileSync(source, content)
    return { source, destination, mode }
  })
  const template = input.template === undefined ? {} : { template: writeTemplate(directory, input.template) }
  const release =
    input.release === 'unknown'
      ? ({ kind: 'unknown', reason: 'nobody says' } as const)
      : parseReleaseArgument(input.release ?? 'container-linux:2512.3.0')
  try {
    const request = { ...input.request, ...template, files: [...(input.request?.files ?? []), ...files] }
    const content = await resolveContent(request, {})
    return planBake(content, stateOf(input), release).findings
  } catch (error) {
    const found = error instanceof OemBakeError ? error.details.findings : undefined
    if (!Array.isArray(found)) throw error
    return found as readonly Finding[]
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

function writeTemplate(directory: string, files: Readonly<Record<string, string>>): string {
  const root = join(directory, 'template')
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true })
    writeFileSync(join(root, name), text)
  }
  return root
}

function asFile(node: Exclude<Node, null>): { readonly content: string | Buffer; readonly mode: number } {
  return typeof node === 'string' || Buffer.isBuffer(node) ? { content: node, mode: 0o644 } : node
}

function stateOf({ state, tree = {} }: RuleInput): OemState {
  const entries: OemEntry[] = Object.entries(tree).map(([path, node]): OemEntry => {
    const owner = { path, uid: 0, gid: 0 }
    if (node === null) return { ...owner, kind: 'directory', mode: 0o755, sizeBytes: 0 }
    const { content, mode } = asFile(node)
    return { ...owner, kind: 'file', mode, sizeBytes: Buffer.byteLength(content) }
  })
  const contents = Object.entries(tree).flatMap(([path, node]) =>
    node === null ? [] : [[path, Buffer.from(asFile(node).content)] as const],
  )
  return {
    entries: entries.sort((left, right) => (left.path < right.path ? -1 : 1)),
    contents: new Map(contents),
    space: { blockBytes: 4096, totalBytes: 128 << 20, freeBytes: 99 << 20, freeInodes: 1000 },
    filesystem: { kind: 'btrfs', label: 'OEM', uuid: '', sizeBytes: 128 << 20 },
    ...historyOf(new Map(contents)),
    ...state,
  }
}
