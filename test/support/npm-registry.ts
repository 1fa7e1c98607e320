/**
 * A registry of npm packages that has what this checkout has installed for users, and nothing else: npm's own client installs
 * from it as from any other, without a network.
 *
 * Source: npm/registry `docs/responses/package-metadata.md`. A tarball is made of a package's directory when it is asked for.
 */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { CHECKOUT } from './command-line.js'

interface InstalledPackage {
  readonly path: string
  readonly manifest: { readonly name: string; readonly version: string }
}

/** What package-lock.json has that is not for developers only. */
export function installedForUsers(): readonly InstalledPackage[] {
  const lock = JSON.parse(readFileSync(join(CHECKOUT, 'package-lock.json'), 'utf8')) as {
    readonly packages: Readonly<Record<string, { readonly dev?: true }>>
  }
  return Object.entries(lock.packages)
    .filter(([path, { dev }]) => path !== '' && dev !== true)
    .map(([path]) => ({
      path,
      manifest: JSON.parse(readFileSync(join(CHECKOUT, path, 'package.json'), 'utf8')) as InstalledPackage['manifest'],
    }))
}

export class NpmRegistry implements AsyncDisposable {
  readonly #server: Server
  readonly #packages = installedForUsers()

  private constructor() {
    this.#server = createServer((request, response) => {
      const path = decodeURIComponent(new URL(request.url ?? '/', 'http://registry').pathname).slice(1)
      const body = path.endsWith('.tgz') ? this.#tarball(path) : this.#metadata(path)
      if (body === undefined) response.writeHead(404).end()
      else response.end(body)
    })
  }

  static async start(): Promise<NpmRegistry> {
    const registry = new NpmRegistry()
    await new Promise<void>((resolve) => registry.#server.listen(0, '127.0.0.1', resolve))
    return registry
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  #metadata(name: string): string | undefined {
    const versions = this.#packages
      .filter(({ manifest }) => manifest.name === name)
      .map(({ manifest, path }) => [manifest.version, { ...manifest, dist: { tarball: `${this.origin}/${path}.tgz` } }])
    if (versions.length === 0) return undefined
    return JSON.stringify({
      name,
      'dist-tags': { latest: versions[0]![0] },
      versions: Object.fromEntries(versions) as unknown,
    })
  }

  #tarball(path: string): Buffer | undefined {
    const found = this.#packages.find((one) => `${one.path}.tgz` === path)
    if (found === undefined) return undefined
    const words = ['--create', '--gzip', '--exclude=./node_modules', '--transform=s,^\\.,package,', '.']
    return execFileSync('tar', ['--directory', join(CHECKOUT, found.path), ...words], { maxBuffer: 1 << 28 })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}
