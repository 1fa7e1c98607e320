/**
 * How coreos-cloudinit's YAML readers take a node into a field of a given type.
 *
 * Two of them have been in use: `old`, coreos/yaml, a go-yaml of 2014, on Container Linux and Flatcar before branch 3913,
 * which leaves a field empty that it can't fill; `new`, yaml.v3, which refuses the whole file. Both give a string field the
 * text of the scalar whatever it looks like, so that `0644` and `off` are safe there, and take the words of YAML 1.1 for a
 * bool. Sources: gopkg.in/yaml.v3 decode.go and resolve.go; go-yaml v1 and v2 likewise; measured on 2026-11-25 with
 * Debian's golang-gopkg-yaml.v3-dev 3.0.1 and v2-dev 2.4.0 (`test/oem/cloud-config/go-yaml.test.ts` has the table).
 */
import { isNull, type YamlNode, type YamlScalar } from '../yaml-tree.js'
import type { KeyType } from './keys.js'

export type GoReader = 'old' | 'new'

const TRUE = /^(?:true|True|TRUE)$/
const FALSE = /^(?:false|False|FALSE)$/
const TRUE_WORDS = /^(?:y|Y|yes|Yes|YES|on|On|ON)$/
const FALSE_WORDS = /^(?:n|N|no|No|NO|off|Off|OFF)$/
/** What Go's ParseInt takes with base 0. */
const INTEGER = /^[-+]?(?:0[bB][01]+|0[oO]?[0-7]+|0[xX][0-9a-fA-F]+|0|[1-9][0-9]*)$/
const FLOAT = /^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$/
const INFINITE = /^(?:[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$/

/** Whether a field of this type gets what the node says; deeper nodes are not looked at. Nothing at all always fits. */
export function fits(node: YamlNode, { kind }: KeyType, reader: GoReader): boolean {
  if (isNull(node)) return true
  switch (kind) {
    case 'list':
    case 'mapping':
      return node.kind === kind
    case 'string':
      return node.kind === 'scalar'
    case 'bool':
      return node.kind === 'scalar' && readBool(node, reader) !== undefined
    case 'int':
      return node.kind === 'scalar' && isNumber(node) && !isTooBig(node.text)
    case 'float':
      return node.kind === 'scalar' && isNumber(node)
  }
}

/** @returns undefined for what this reader takes for no bool */
export function readBool({ plain, tag, text }: YamlScalar, reader: GoReader): boolean | undefined {
  const asText = !plain || (tag !== undefined && tag !== '!!bool')
  // The old reader wants a bool; the new one takes these words as text, too.
  if (asText && reader === 'old') return undefined
  if (TRUE_WORDS.test(text) || (!asText && TRUE.test(text))) return true
  if (FALSE_WORDS.test(text) || (!asText && FALSE.test(text))) return false
  return undefined
}

function isNumber({ plain, tag, text }: YamlScalar): boolean {
  if (!plain || (tag !== undefined && tag !== '!!int' && tag !== '!!float') || !/^[-+.0-9]/.test(text)) return false
  const digits = text.replaceAll('_', '')
  return INTEGER.test(digits) || FLOAT.test(digits) || INFINITE.test(text)
}

/** Numbers are cut off to fit an int, but not those beyond its end; those below its beginning are. */
function isTooBig(text: string): boolean {
  return /^\+?\.(?:inf|nan)$/i.test(text) || Number(text.replaceAll('_', '')) > 2 ** 63 - 1
}
