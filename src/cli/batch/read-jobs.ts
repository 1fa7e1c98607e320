/**
 * The file of a batch, YAML or JSON:
 *
 *     defaults: {engine: embedded, output-dir: editions}
 *     jobs:
 *       - image: image.img.bz2
 *         templates: [rackspace, ec2]
 *       - {image: other.img.bz2, template: gce, output: gce.img.bz2}
 *
 * `defaults` counts for each job that does not say otherwise. Paths are taken from the working directory, as on the command
 * line. Everything is checked before anything is baked, and told with its line.
 */
import { OemBakeError, UsageError } from '../../errors.js'
import { readTextFile } from '../../oem/host-files.js'
import { nearestName } from '../../oem/nearest.js'
import { parseYamlTrees } from '../../oem/yaml.js'
import { describeNode, keyText, type YamlEntry, type YamlNode } from '../../oem/yaml-tree.js'
import type { BatchJob } from '../../request.js'
import type { FlagValue } from '../flag-words.js'
import { JOB_OPTIONS, type JobOption, requestOf } from './job-options.js'

const TOP_KEYS = ['defaults', 'jobs']
/** What a default of the one kind must not add to a job of the other. */
const INSTEAD: Readonly<Record<string, string>> = {
  template: 'templates',
  templates: 'template',
  output: 'output-dir',
  'output-dir': 'output',
}

/** @throws ERR_INPUT_FILE | ERR_YAML_SYNTAX | ERR_USAGE with the line */
export async function readJobs(path: string): Promise<readonly BatchJob[]> {
  const text = (await readTextFile(path, 'batch file')).toString('utf8')
  const [document, second] = parseYamlTrees(text, path)
  const file = new JobFile(path)
  if (document === undefined) throw file.wrong(undefined, 'it is empty: expected a mapping with a list of jobs')
  if (second !== undefined) throw file.wrong(second, 'a second YAML document begins here, expected one')
  const [doubled] = document.doubled
  if (doubled !== undefined)
    throw file.wrong(doubled, `${doubled.name} is there twice, first in line ${doubled.firstAt.line}`)
  return file.jobsOf(document.root)
}

class JobFile {
  readonly #path: string

  constructor(path: string) {
    this.#path = path
  }

  jobsOf(root: YamlNode): readonly BatchJob[] {
    const entries = this.#entries(root, TOP_KEYS, 'the file')
    const defaults = entries.get('defaults')
    const presets = defaults === undefined ? new Map<string, FlagValue>() : this.#values(defaults.value, 'defaults')
    const jobs = entries.get('jobs')?.value
    if (jobs?.kind !== 'list' || jobs.items.length === 0)
      throw this.wrong(jobs ?? root, 'expected a list of jobs under jobs')
    return jobs.items.map((node, index) => this.#job(node, index, presets))
  }

  wrong(node: Partial<Pick<YamlNode, 'at'>> | undefined, problem: string, hint?: string, cause?: unknown): UsageError {
    const line = node?.at?.line
    return new UsageError('ERR_USAGE', `${this.#path}${line === undefined ? '' : `, line ${line}`}: ${problem}`, {
      hint: hint ?? 'the README shows a batch file, under "Many editions"',
      details: { file: this.#path, line },
      cause,
    })
  }

  #job(node: YamlNode, index: number, presets: ReadonlyMap<string, FlagValue>): BatchJob {
    const said = this.#values(node, `job ${index + 1}`)
    const inherited = [...presets].filter(([name]) => !said.has(INSTEAD[name] ?? ''))
    const values = new Map([...inherited, ...said])
    const image = values.get('image')
    if (typeof image !== 'string') throw this.wrong(node, `job ${index + 1} has no image`, 'image: image.img.bz2')
    const name = values.get('name') ?? `job ${index + 1}`
    try {
      return { name: String(name), request: requestOf(image, values) }
    } catch (error) {
      if (!(error instanceof OemBakeError)) throw error
      throw this.wrong(node, `job ${index + 1}: ${error.message}`, error.hint, error)
    }
  }

  #values(node: YamlNode, what: string): ReadonlyMap<string, FlagValue> {
    const entries = this.#entries(node, [...JOB_OPTIONS.keys()], what)
    return new Map(
      [...entries].flatMap(([name, { value }]) => {
        const option = JOB_OPTIONS.get(name)
        return option === undefined ? [] : [[name, this.#value(name, option, value)]]
      }),
    )
  }

  #entries(node: YamlNode, known: readonly string[], what: string): ReadonlyMap<string, YamlEntry> {
    if (node.kind !== 'mapping') throw this.wrong(node, `${what} is ${describeNode(node)}, expected a mapping`)
    return new Map(node.entries.map((entry) => [this.#knownKey(entry, known, what), entry]))
  }

  #knownKey(entry: YamlEntry, known: readonly string[], what: string): string {
    const name = keyText(entry)
    if (name !== undefined && known.includes(name)) return name
    const nearest = name === undefined ? undefined : nearestName(name, known)
    const hint = nearest === undefined ? `known: ${known.join(', ')}` : `did you mean ${nearest}?`
    throw this.wrong(entry.key, `${what} has an unknown key ${describeNode(entry.key)}`, hint)
  }

  #value(name: string, { choices, type }: JobOption, node: YamlNode): FlagValue {
    const fail = (expected: string): UsageError =>
      this.wrong(node, `${name} is ${describeNode(node)}, expected ${expected}`, `give ${name} as ${expected}`)
    const text = (item: YamlNode): string => {
      if (item.kind !== 'scalar' || item.text === '') throw fail(type)
      return item.text
    }
    switch (type) {
      case 'a list of text':
        // A single value is a list of one.
        return node.kind === 'list' ? node.items.map(text) : [text(node)]
      case 'a mapping of names to values':
        if (node.kind !== 'mapping') throw fail(type)
        return Object.fromEntries(node.entries.map((entry) => [keyText(entry) ?? '', this.#scalar(entry, fail)]))
      case 'true or false': {
        const said = text(node)
        if (said !== 'true' && said !== 'false') throw fail(type)
        return said === 'true'
      }
      case 'a number': {
        const said = Number(text(node))
        if (Number.isNaN(said)) throw fail(type)
        return said
      }
      case 'text': {
        const said = text(node)
        if (choices?.includes(said) === false) throw fail(`one of ${choices.join(', ')}`)
        return said
      }
    }
  }

  /** Values of variables may be empty. */
  #scalar({ value }: YamlEntry, fail: (expected: string) => UsageError): string {
    if (value.kind !== 'scalar') throw fail('a mapping of names to values')
    return value.text
  }
}
