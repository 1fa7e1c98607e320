/** Plays Packer's own part against a plugin: starts it, reads its line, calls it, and serves an artifact and a user interface. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { Broker } from '#src/packer/wire/broker.js'
import { RpcClient, type Service, serveCalls } from '#src/packer/wire/rpc.js'

/** packer/plugin/server.go */
const COOKIE = 'd602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2'

export interface Core extends AsyncDisposable {
  readonly child: ChildProcess
  /** The plugin's first line, taken apart. */
  readonly handshake: readonly string[]
  readonly broker: Broker
  readonly plugin: RpcClient
  /** What the plugin said in the user interface, as `method: text`. */
  readonly said: readonly string[]
  /** Resolves when the plugin says it. */
  untilSaid(text: RegExp): Promise<void>
  /** Offers an artifact with these files, and Ui. @returns the number for PostProcess */
  offerArtifact(files: readonly string[], service?: Service): number
  disconnect(): void
  /** Connects to an artifact that the plugin answered with. */
  artifact(reply: unknown): Promise<RpcClient>
}

export async function startCore(
  [file, ...args]: readonly [string, ...string[]],
  env: Readonly<Record<string, string>> = {},
): Promise<Core> {
  const child = spawn(file, args, {
    env: {
      ...process.env,
      PACKER_PLUGIN_MAGIC_COOKIE: COOKIE,
      PACKER_PLUGIN_MIN_PORT: '10000',
      PACKER_PLUGIN_MAX_PORT: '25000',
      ...env,
    },
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const [line] = (await once(child.stdout.setEncoding('utf8'), 'data')) as [string]
  const handshake = line.trim().split('|')
  const socket = connect(handshake.at(-1) ?? '')
  await once(socket, 'connect')
  // A plugin that ends takes the connection with it.
  socket.on('error', () => undefined)
  const broker = new Broker(socket, 'client')
  const said: string[] = []
  const waiting = new Set<() => void>()
  const ui = Object.fromEntries(
    ['Say', 'Message', 'Error'].map((name) => [
      `Ui.${name}`,
      (text: unknown) => {
        said.push(`${name}: ${String(text)}`)
        for (const look of waiting) look()
      },
    ]),
  )
  return {
    child,
    handshake,
    broker,
    plugin: new RpcClient(await broker.dial(0)),
    said,
    untilSaid: (text) =>
      new Promise((resolve) => {
        const look = (): void => {
          if (said.some((one) => text.test(one))) resolve()
        }
        waiting.add(look)
        look()
      }),
    offerArtifact: (files, service = {}) => {
      const number = broker.nextNumber()
      const artifact = {
        'Artifact.Files': () => files,
        'Artifact.State': () => ({ ID: 'machine-1' }),
        'Artifact.Id': () => 'File',
        'Artifact.BuilderId': () => 'packer.file',
        'Artifact.String': () => 'Stored file',
        'Artifact.Destroy': () => null,
      }
      broker.offer(number, (stream) => void serveCalls(stream, { ...artifact, ...ui, ...service }, () => undefined))
      return number
    },
    artifact: async (reply) => new RpcClient(await broker.dial((reply as { StreamId: number }).StreamId)),
    disconnect: () => void socket.destroy(),
    [Symbol.asyncDispose]: async () => {
      const ended = child.exitCode === null && child.signalCode === null ? once(child, 'exit') : undefined
      child.kill('SIGKILL')
      await ended
      socket.destroy()
    },
  }
}

/** Configure's argument, as Packer 1.6 sends it for a JSON template. */
export function jsonConfigs(options: object, variables: Readonly<Record<string, string>> = {}): unknown {
  const settings = {
    packer_build_name: 'image',
    packer_builder_type: 'file',
    packer_core_version: '1.6.6',
    packer_debug: false,
    packer_force: false,
    packer_on_error: '',
    packer_template_path: 'templates/image.json',
    packer_user_variables: variables,
  }
  return { Configs: [options, settings, {}] }
}

/** The same for an HCL2 template: cty's JSON, null for what is not set. */
export function hclConfigs(options: object): unknown {
  const settings = { packer_build_name: 'image', packer_builder_type: 'file' }
  return { Configs: [settings, Buffer.from(JSON.stringify({ value: options, type: ['object', {}] }))] }
}
