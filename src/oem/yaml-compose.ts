/**
 * From the events of a YAML parser to trees: follows aliases, carries out merge keys, finds doubled keys.
 *
 * Aliases share nodes, so that a file of a few kilobytes can't become a tree of gigabytes; whoever walks the tree must not
 * walk all of it, but only as deep as it has something to look for. Sources: YAML 1.2 chapter 3.1 (compose), 1.1 `merge`.
 */
import type {
  DoubledKey,
  YamlDocument,
  YamlEntry,
  YamlMapping,
  YamlNode,
  YamlPosition,
  YamlScalar,
} from './yaml-tree.js'

export type TreeEvent =
  | { readonly kind: 'document'; readonly explicit: boolean }
  | { readonly kind: 'list' | 'mapping'; readonly anchor: string | undefined; readonly at: YamlPosition }
  | { readonly kind: 'alias'; readonly anchor: string; readonly at: YamlPosition }
  | ScalarEvent
  /** Of the document, list or mapping that was begun last. */
  | { readonly kind: 'end' }

interface ScalarEvent extends Omit<YamlScalar, 'at' | 'textLine'> {
  readonly anchor: string | undefined
  readonly at: YamlPosition | undefined
  readonly textLine: number | undefined
}

export interface ComposeOptions {
  readonly maxAliases: number
  readonly fail: (reason: string, at: YamlPosition) => never
}

/** Keys that one mapping takes over; far more than any file needs. */
const MAX_MERGED = 10_000

const FILE_START: YamlPosition = { line: 1, column: 1 }

export function composeTree(events: readonly TreeEvent[], options: ComposeOptions): readonly YamlDocument[] {
  const composer = new Composer(events, options)
  return composer.documents()
}

/** State of one pass over the events. */
class Composer {
  readonly #events: readonly TreeEvent[]
  readonly #options: ComposeOptions
  #next = 0
  /** Of this document; undefined while the node itself is being read. */
  #anchors = new Map<string, YamlNode | undefined>()
  #aliases = 0
  #doubled: DoubledKey[] = []
  /** Where the last node stood, for those that stand nowhere. */
  #last = FILE_START

  constructor(events: readonly TreeEvent[], options: ComposeOptions) {
    this.#events = events
    this.#options = options
  }

  documents(): readonly YamlDocument[] {
    const documents: YamlDocument[] = []
    for (let event = this.#take(); event !== undefined; event = this.#take()) {
      if (event.kind !== 'document') continue
      this.#anchors = new Map()
      this.#aliases = 0
      this.#doubled = []
      if (this.#events[this.#next]?.kind === 'end') continue
      const root = this.#node()
      documents.push({ root, at: root.at, doubled: this.#doubled })
    }
    return documents
  }

  #take(): TreeEvent | undefined {
    return this.#events[this.#next++]
  }

  #node(): YamlNode {
    const event = this.#take()
    switch (event?.kind) {
      case 'scalar': {
        const { anchor, at = this.#last, textLine = at.line, ...scalar } = event
        return this.#named(anchor, () => {
          this.#last = at
          return { ...scalar, at, textLine }
        })
      }
      case 'alias':
        return this.#aliased(event.anchor, event.at)
      case 'list': {
        const { anchor, at } = event
        return this.#named(anchor, () => {
          this.#last = at
          const items: YamlNode[] = []
          while (this.#events[this.#next]?.kind !== 'end') items.push(this.#node())
          this.#take()
          return { kind: 'list', at, items }
        })
      }
      case 'mapping':
        return this.#named(event.anchor, () => this.#mapping(event.at))
      default:
        return this.#options.fail('a node is missing', this.#last)
    }
  }

  #mapping(at: YamlPosition): YamlMapping {
    this.#last = at
    const entries: YamlEntry[] = []
    const merged: YamlEntry[] = []
    const indexes = new Map<string, number>()
    while (this.#events[this.#next]?.kind !== 'end') {
      const key = this.#node()
      const value = this.#node()
      if (key.kind === 'scalar' && key.plain && key.text === '<<') {
        for (const entry of this.#mergedEntries(value)) merged.push(entry)
        if (merged.length > MAX_MERGED) this.#options.fail(`<< brings more than ${MAX_MERGED} keys`, key.at)
        continue
      }
      const name = key.kind === 'scalar' ? key.text : undefined
      const before = name === undefined ? undefined : indexes.get(name)
      if (name !== undefined && before === undefined) indexes.set(name, entries.length)
      if (name === undefined || before === undefined) {
        entries.push({ key, value })
        continue
      }
      const firstAt = entries[before]?.key.at ?? key.at
      this.#doubled.push({ name, at: key.at, firstAt })
      entries[before] = { key, value }
    }
    this.#take()
    for (const entry of merged) {
      if (entry.key.kind !== 'scalar' || indexes.has(entry.key.text)) continue
      indexes.set(entry.key.text, entries.length)
      entries.push(entry)
    }
    return { kind: 'mapping', at, entries }
  }

  #mergedEntries(value: YamlNode): readonly YamlEntry[] {
    if (value.kind === 'mapping') return value.entries
    if (value.kind === 'list' && value.items.every((item) => item.kind === 'mapping')) {
      return value.items.flatMap((item) => (item.kind === 'mapping' ? item.entries : []))
    }
    return this.#options.fail('<< takes a mapping or a list of mappings', value.at)
  }

  #aliased(anchor: string, at: YamlPosition): YamlNode {
    this.#last = at
    if (++this.#aliases > this.#options.maxAliases) {
      return this.#options.fail(`more than ${this.#options.maxAliases} aliases`, at)
    }
    const node = this.#anchors.get(anchor)
    if (node !== undefined) return { ...node, at }
    return this.#options.fail(
      this.#anchors.has(anchor) ? `*${anchor} stands inside of what it stands for` : `there is no &${anchor} above`,
      at,
    )
  }

  #named(anchor: string | undefined, read: () => YamlNode): YamlNode {
    if (anchor !== undefined) this.#anchors.set(anchor, undefined)
    const node = read()
    if (anchor !== undefined) this.#anchors.set(anchor, node)
    return node
  }
}
