/**
 * The post-processor: what Packer calls, in the order in which it does.
 *
 * Source: hashicorp/packer 1.6.6 packer/post_processor.go and packer/rpc/post_processor.go; what it answers on the wire is in
 * `wire/rpc.ts`. `Configure` comes when a template is validated, and in HCL2 again before the run, with what the builder
 * told filled in. A post-processor that fails makes Packer throw the builder's image away if it is the first in its
 * chain; nothing that a plugin could answer changes that (README, "Packer").
 */
import { mkdir, rename } from 'node:fs/promises'
import { basename, dirname, relative, resolve } from 'node:path'
import { OUTPUT_OPTIONS } from '../cli/options/output.js'
import { errorText } from '../cli/render/error.js'
import { EngineError, fileError, OemBakeError, UsageError } from '../errors.js'
import { isMapping } from '../oem/mapping.js'
import { openWorkspace } from '../temp.js'
import { type Edition, editionArtifact, editionOf, readArtifact, sameArtifact } from './artifact.js'
import { assertRehearsed, checkOptions, rehearsalOf } from './check-options.js'
import { chooseImage } from './choose-image.js'
import { type Configuration, readConfiguration, readOptions } from './configuration.js'
import { type RenderContext, render } from './interpolate.js'
import { commandLineOf, type OptionValues, SPEC } from './options.js'
import { findProgram, type Program } from './program.js'
import { failureText, runBake } from './run-bake.js'
import { formatSpecAsGob } from './spec/gob.js'
import { formatSpecAsProtobuf } from './spec/protobuf.js'
import { PackerUi } from './ui.js'
import type { Broker } from './wire/broker.js'
import { RpcClient, type Service, serveCalls } from './wire/rpc.js'

export interface PluginProcess {
  readonly env: Readonly<Record<string, string | undefined>>
  /** Path of the file that it was started with. */
  readonly self: string
  readonly protobuf: boolean
  readonly log: (text: string) => void
}

/** PostProcess's reply: Go's `PostProcessorProcessResponse`. */
interface Reply {
  readonly Err: { readonly Message: string } | null
  readonly Keep: boolean
  readonly ForceOverride: boolean
  readonly StreamId: number
}

export class PostProcessor {
  readonly #broker: Broker
  readonly #process: PluginProcess
  readonly #abort = new AbortController()
  readonly #startedAt = new Date()
  #configured: { readonly configuration: Configuration; readonly program: Program } | undefined
  /** The words that were rehearsed last: Packer configures a plugin up to four times. */
  #rehearsed = ''

  constructor(broker: Broker, process: PluginProcess) {
    this.#broker = broker
    this.#process = process
  }

  service(): Service {
    return {
      'PostProcessor.ConfigSpec': () => ({
        ConfigSpec: this.#process.protobuf ? formatSpecAsProtobuf(SPEC) : formatSpecAsGob(SPEC),
      }),
      'PostProcessor.Configure': (argument) => inWords(() => this.#configure(argument)),
      'PostProcessor.PostProcess': (stream) => this.#postProcess(stream),
      'PostProcessor.Cancel': () => this.#abort.abort(),
    }
  }

  async #configure(argument: unknown): Promise<void> {
    const configuration = readConfiguration(argument)
    const values = readOptions(configuration, this.#context(configuration, undefined), render)
    checkOptions(values)
    const { env, self } = this.#process
    const program = findProgram(typeof values.oem_bake === 'string' ? values.oem_bake : undefined, env, self)
    this.#configured = { configuration, program }
    const words = rehearsalOf(values)
    if (words === undefined || this.#rehearsed === words.join('\0')) return
    assertRehearsed(await runBake({ program, words, env, signal: this.#abort.signal, onLine: () => undefined }))
    this.#rehearsed = words.join('\0')
  }

  #context({ packer }: Configuration, build: RenderContext['build']): RenderContext {
    return { packer, build, directory: process.cwd(), startedAt: this.#startedAt }
  }

  async #postProcess(stream: unknown): Promise<Reply> {
    try {
      return await inWords(() => this.#bake(stream))
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error)
      this.#process.log(error instanceof Error ? (error.stack ?? message) : message)
      return { Err: { Message: message }, Keep: false, ForceOverride: false, StreamId: 0 }
    }
  }

  async #bake(stream: unknown): Promise<Reply> {
    if (this.#configured === undefined || typeof stream !== 'number')
      throw new UsageError('ERR_USAGE', 'PostProcess was called before Configure, or without its stream')
    const { configuration } = this.#configured
    const packer = new RpcClient(await this.#broker.dial(stream))
    let keepConnection = false
    try {
      const artifact = await readArtifact(packer)
      const build = isMapping(artifact.generated) ? artifact.generated : {}
      const values = readOptions(configuration, this.#context(configuration, build), render)
      const image = await chooseImage(artifact.files, textOf(values.input))
      if (values.in_place === true) {
        await this.#bakeInPlace(image, values, packer)
        keepConnection = true
        return this.#reply(sameArtifact(packer), true)
      }
      const output = textOf(values.output) ?? ''
      await makeDirectoryFor(output)
      const forced = configuration.packer.force ? { ...values, force: true } : values
      const edition = await this.#run(image, forced, packer)
      // As the template has it: that is how Packer's own artifacts name their files.
      const path = resolve(output) === edition.path ? output : edition.path
      return this.#reply(editionArtifact({ ...edition, path }, artifact), false)
    } finally {
      if (!keepConnection) packer.close()
    }
  }

  /** The edition is made beside the image and takes its name: the input is replaced, never written. */
  async #bakeInPlace(image: string, values: OptionValues, packer: RpcClient): Promise<void> {
    await using workspace = await openWorkspace(dirname(image))
    const output = workspace.path(basename(image))
    // Side files would name a file that moves.
    const alone = 'with' in OUTPUT_OPTIONS ? { with: ['none'] } : {}
    await this.#run(image, { ...values, ...alone, output }, packer)
    await rename(output, image).catch((error: unknown) => {
      throw fileError(error, `put the edition in the place of ${image}`)
    })
  }

  async #run(image: string, values: OptionValues, packer: RpcClient): Promise<Edition> {
    const { program } = this.#configured ?? {}
    if (program === undefined) throw new UsageError('ERR_USAGE', 'PostProcess was called before Configure')
    const ui = new PackerUi(packer)
    const what = textOf(values.template)
    ui.say(`Baking ${relative(process.cwd(), image)}${what === undefined ? '' : ` for ${what}`}`)
    const { close, onLine } = ui.follow()
    try {
      const words = ['bake', image, ...commandLineOf(values)]
      const outcome = await runBake({ program, words, env: this.#process.env, signal: this.#abort.signal, onLine })
      const edition = editionOf(outcome.document)
      if (outcome.exitCode === 0 && edition !== undefined) return edition
      throw new EngineError('ERR_CHILD_FAILED', `oem-bake: ${failureText(outcome)}`)
    } finally {
      close()
      await ui.settled()
    }
  }

  /** Kept in any case: nothing but the user's own `keep_input_artifact = false` may throw a built image away. */
  #reply(artifact: Service, isTheInput: boolean): Reply {
    const number = this.#broker.nextNumber()
    this.#broker.offer(number, (stream) => void serveCalls(stream, artifact, this.#process.log))
    return { Err: null, Keep: true, ForceOverride: isTheInput, StreamId: number }
  }
}

/** As Packer's own post-processors do. */
async function makeDirectoryFor(output: string): Promise<void> {
  await mkdir(dirname(output), { recursive: true }).catch((error: unknown) => {
    throw fileError(error, `make the directory ${dirname(output)}`)
  })
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

/** Ours with their hints; Packer prints nothing but the message. */
async function inWords<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run()
  } catch (error) {
    if (!(error instanceof OemBakeError)) throw error
    throw new Error(errorText(error).replace(/^error: /, ''), { cause: error })
  }
}
