/**
 * Looks into a cloud-config's tree by key, with hyphens and underscores alike; what is of another type counts as not there.
 */
import { isNull, keyText, type YamlEntry, type YamlNode, type YamlScalar } from '../yaml-tree.js'
import { readBool } from './go-yaml.js'

export function canonicalKey(name: string): string {
  return name.replaceAll('-', '_')
}

/** @param name with underscores; of several spellings the last one counts, as it does for coreos-cloudinit */
export function entryOf(node: YamlNode | undefined, name: string): YamlEntry | undefined {
  if (node?.kind !== 'mapping') return undefined
  return node.entries.findLast((entry) => canonicalKey(keyText(entry) ?? '') === name)
}

export function nodeAt(node: YamlNode | undefined, ...names: readonly string[]): YamlNode | undefined {
  return names.reduce<YamlNode | undefined>((below, name) => entryOf(below, name)?.value, node)
}

export function itemsOf(node: YamlNode | undefined, ...names: readonly string[]): readonly YamlNode[] {
  const list = nodeAt(node, ...names)
  return list?.kind === 'list' ? list.items : []
}

/** A scalar that is not empty. */
export function scalarOf(node: YamlNode | undefined, ...names: readonly string[]): YamlScalar | undefined {
  const found = nodeAt(node, ...names)
  return found?.kind === 'scalar' && !isNull(found) && found.text !== '' ? found : undefined
}

export function textOf(node: YamlNode | undefined, ...names: readonly string[]): string | undefined {
  return scalarOf(node, ...names)?.text
}

/** Whether a bool is on, for either reader. */
export function isOn(node: YamlNode | undefined, name: string): boolean {
  const found = nodeAt(node, name)
  return found?.kind === 'scalar' && (readBool(found, 'old') ?? readBool(found, 'new')) === true
}
