/**
 * YAML as a tree whose every node knows where it stands, for checks that name line and column.
 *
 * Scalars keep their text: what `yes` or `0644` mean is up to whoever reads the file, not to us. `yaml.ts` makes the tree.
 */

/** Line and column, both from 1. */
export interface YamlPosition {
  readonly line: number
  readonly column: number
}

export interface YamlScalar {
  readonly kind: 'scalar'
  readonly at: YamlPosition
  /** Decoded: without quotes, escapes, indentation. */
  readonly text: string
  /** Neither quoted nor a block. */
  readonly plain: boolean
  /** As it is written: `!!binary`. */
  readonly tag: string | undefined
  /** Line that the text begins on: of a block, the one below its `|`. */
  readonly textLine: number
  /** Whether each line of the text is a line of the file: it is a literal block. */
  readonly literal: boolean
}

export interface YamlList {
  readonly kind: 'list'
  readonly at: YamlPosition
  readonly items: readonly YamlNode[]
}

export interface YamlEntry {
  readonly key: YamlNode
  readonly value: YamlNode
}

export interface YamlMapping {
  readonly kind: 'mapping'
  readonly at: YamlPosition
  /** Of several with the same key, the last one only. */
  readonly entries: readonly YamlEntry[]
}

export type YamlNode = YamlScalar | YamlList | YamlMapping

/** A key that stands in the same mapping a second time. */
export interface DoubledKey {
  readonly name: string
  readonly at: YamlPosition
  readonly firstAt: YamlPosition
}

export interface YamlDocument {
  readonly root: YamlNode
  readonly at: YamlPosition
  readonly doubled: readonly DoubledKey[]
}

/** A plain scalar that stands for nothing, in every version of YAML. */
export function isNull(node: YamlNode): boolean {
  return node.kind === 'scalar' && node.plain && node.tag === undefined && /^(?:|~|null|Null|NULL)$/.test(node.text)
}

/** For messages: `a list`, `nothing`, `text "yes"`. */
export function describeNode(node: YamlNode): string {
  if (node.kind !== 'scalar') return `a ${node.kind}`
  if (isNull(node)) return 'nothing'
  const text = JSON.stringify(node.text.length > 40 ? `${node.text.slice(0, 39)}…` : node.text)
  return node.plain ? text.slice(1, -1) : `the text ${text}`
}

export function keyText({ key }: YamlEntry): string | undefined {
  return key.kind === 'scalar' ? key.text : undefined
}
