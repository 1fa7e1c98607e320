/**
 * The plugin as a process: what Packer starts, and the line by which it finds us.
 *
 * Source: hashicorp/packer 1.6.6 packer/plugin/{client,server}.go, run; hashicorp/packer-plugin-sdk v0.6.0 plugin/set.go and
 * server.go, read.
 *
 *   packer-post-processor-oem-bake                              Packer up to 1.6: no words, `5|unix|PATH`
 *   packer-plugin-oem-bake describe                             from 1.7 on: what is in it, as JSON
 *   packer-plugin-oem-bake start post-processor [--protobuf] NAME    the same: `5|0|unix|PATH`
 *
 * No line is understood by both, and nothing tells the version; but only a `packer-plugin-*` is started with words.
 * Packer connects once, and ends plugins with SIGKILL. Unix only: Windows wants an .exe.
 */
import { randomBytes } from 'node:crypto'
import { rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type PluginProcess, PostProcessor } from './post-processor.js'
import { Broker } from './wire/broker.js'
import { serveCalls } from './wire/rpc.js'

/** packer/plugin/server.go, `MagicCookieValue`: proves nothing, but tells who started a plugin by hand. */
const COOKIE = 'd602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2'
/** packer-plugin-sdk plugin/set.go, `DEFAULT_NAME`: the type is then the plugin's own name. */
const DEFAULT_NAME = '-packer-default-plugin-name-'
/** As long as Packer waits for our line. */
const CONNECT_TIMEOUT_MS = 60_000
/** sun_path of unix(7) holds 108 bytes with the zero at the end; 104 on other systems. */
const SOCKET_PATH_BYTES = 103

export interface PluginStart {
  readonly words: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
  readonly self: string
  readonly version: string
}

/** @returns the exit code, or undefined when it serves until Packer ends it */
export function startPlugin({ env, self, version, words }: PluginStart): number | undefined {
  if (words[0] === 'describe') {
    process.stdout.write(`${JSON.stringify(description(version))}\n`)
    return 0
  }
  if (env.PACKER_PLUGIN_MAGIC_COOKIE !== COOKIE || process.platform === 'win32') {
    process.stderr.write(
      'error: this is a plugin, which Packer starts by itself\nhint: see "Packer" in the README of oem-bake; on Windows, use shell-local\n',
    )
    return 1
  }
  const log = (text: string): void => {
    process.stderr.write(`${text}\n`)
  }
  const isModern = words[0] === 'start'
  serve({ env, self, protobuf: words.includes('--protobuf'), log }, isModern ? ['5', '0', 'unix'] : ['5', 'unix'])
  return undefined
}

/** What Packer up to 1.6 does not know, it ignores. `v2` says that protobuf is understood. */
function description(version: string): unknown {
  return {
    version,
    sdk_version: '0.6.0',
    api_version: 'x5.0',
    builders: [],
    post_processors: [DEFAULT_NAME],
    provisioners: [],
    datasources: [],
    protocol_version: 'v2',
  }
}

function serve(plugin: PluginProcess, line: readonly string[]): void {
  // A terminal's Ctrl-C reaches us, too; Packer then calls Cancel.
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, () => plugin.log(`${name}: left to Packer`))
  const timer = setTimeout(() => process.exit(1), CONNECT_TIMEOUT_MS)
  const path = socketPath()
  process.on('exit', () => rmSync(path, { force: true }))
  const server = createServer((socket) => {
    clearTimeout(timer)
    server.close()
    // Whatever still bakes ends with us: its standard input does.
    socket.on('close', () => process.exit(0)).on('error', (error) => plugin.log(error.message))
    const broker = new Broker(socket, 'server')
    const postProcessor = new PostProcessor(broker, plugin)
    broker.offer(0, (stream) => void serveCalls(stream, postProcessor.service(), plugin.log))
  })
  server.listen(path, () => process.stdout.write(`${[...line, path].join('|')}\n`))
}

function socketPath(): string {
  const name = `packer-oem-bake-${randomBytes(6).toString('hex')}`
  const path = join(tmpdir(), name)
  return Buffer.byteLength(path) <= SOCKET_PATH_BYTES ? path : join('/tmp', name)
}
