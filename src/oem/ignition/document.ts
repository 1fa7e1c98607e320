/**
 * An Ignition config as a text: its values as Ignition decodes them, and the line and column of each.
 *
 * Ignition decodes with Go's encoding/json: null is as if it were not there, and a number for an integer must be written
 * as one (`1.0` and `1e2` are refused). Such numbers become NaN here, which no check takes for an integer.
 * Source: Go's encoding/json, and `ignition-validate` 2.14 (measured).
 */
import { createRequire } from 'node:module'
import type { Node } from 'jsonc-parser'
import type { Place } from '../finding.js'

/** Keys and indices, from the outside in. */
export type JsonPath = readonly (string | number)[]

export interface DuplicateKey {
  readonly path: JsonPath
  readonly place: Place
}

export interface IgnitionDocument {
  readonly value: unknown
  /** Of a value, or of the innermost one around it that is there. */
  readonly placeOf: (path: JsonPath) => Place
  /** Of the key that a value has. */
  readonly keyPlaceOf: (path: JsonPath) => Place
  readonly duplicateKeys: readonly DuplicateKey[]
}

/** @param text JSON, known to be well-formed */
export function readDocument(text: string, file: string): IgnitionDocument {
  const { parseTree }: typeof import('jsonc-parser') = createRequire(import.meta.url)('jsonc-parser')
  const root = parseTree(text, [], { disallowComments: true })
  const lineStarts = findLineStarts(text)
  const placeAt = (offset: number): Place => {
    const line = lineStarts.findLastIndex((start) => start <= offset)
    return { file, line: line + 1, column: offset - (lineStarts[line] ?? 0) + 1 }
  }
  const innermost = (path: JsonPath): Node | undefined => {
    let node = root
    for (const step of path) {
      const inner = node === undefined ? undefined : childOf(node, step)
      if (inner === undefined) break
      node = inner
    }
    return node
  }
  const duplicateKeys: DuplicateKey[] = []
  const value =
    root === undefined
      ? null
      : decode(root, text, [], (path, node) => {
          duplicateKeys.push({ path, place: placeAt(node.offset) })
        })
  return {
    value,
    duplicateKeys,
    placeOf: (path) => placeAt(innermost(path)?.offset ?? 0),
    keyPlaceOf: (path) => {
      const node = innermost(path)
      return placeAt((node?.parent?.type === 'property' ? node.parent : node)?.offset ?? 0)
    },
  }
}

/** The last one of several equal keys counts, as for JSON.parse and, apart from objects, for Go. */
function childOf(node: Node, step: string | number): Node | undefined {
  if (typeof step === 'number') return node.type === 'array' ? node.children?.[step] : undefined
  if (node.type !== 'object') return undefined
  return node.children?.findLast((property) => property.children?.[0]?.value === step)?.children?.[1]
}

function decode(node: Node, text: string, path: JsonPath, onDuplicate: (path: JsonPath, key: Node) => void): unknown {
  switch (node.type) {
    case 'array':
      return (node.children ?? []).map((child, index) => decode(child, text, [...path, index], onDuplicate))
    case 'object': {
      const seen = new Set<string>()
      const entries = (node.children ?? []).flatMap(({ children: [key, inner] = [] }) => {
        if (key === undefined || inner === undefined || typeof key.value !== 'string') return []
        const name = key.value
        if (seen.has(name)) onDuplicate([...path, name], key)
        seen.add(name)
        return [[name, decode(inner, text, [...path, name], onDuplicate)] as const]
      })
      return Object.fromEntries(entries.filter(([, inner]) => inner !== null))
    }
    case 'number':
      return isGoInteger(text.slice(node.offset, node.offset + node.length)) ? node.value : Number.NaN
    default:
      return node.value
  }
}

/** As Go's int is: 64 bits, digits only. */
function isGoInteger(literal: string): boolean {
  if (!/^-?\d+$/.test(literal)) return false
  return BigInt.asIntN(64, BigInt(literal)) === BigInt(literal)
}

function findLineStarts(text: string): readonly number[] {
  const starts = [0]
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1)
  return starts
}

/** `storage.files[0].path` */
export function formatPath(path: JsonPath): string {
  return path
    .map((step, index) => (typeof step === 'number' ? `[${step}]` : `${index === 0 ? '' : '.'}${step}`))
    .join('')
}
