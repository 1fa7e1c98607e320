/**
 * A server with a release directory, which can be told to misbehave: each request goes through `behave` first.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Served {
  readonly bytes: Buffer
  readonly etag?: string
}

/** Handles a request in its own way. @returns whether it did */
export type Behaviour = (path: string, request: IncomingMessage, response: ServerResponse) => boolean

export class ReleaseServer implements AsyncDisposable {
  readonly files = new Map<string, Served>()
  /** `GET path`, with the range that was asked for. */
  readonly requests: string[] = []
  behave: Behaviour = () => false
  readonly #server = createServer((request, response) => {
    const path = decodeURIComponent(new URL(request.url ?? '/', 'http://server').pathname)
    this.requests.push(`${path} ${request.headers.range ?? ''}`.trim())
    if (!this.behave(path, request, response)) this.serve(path, request, response)
  })

  static async start(): Promise<ReleaseServer> {
    const server = new ReleaseServer()
    await new Promise<void>((resolve) => server.#server.listen(0, '127.0.0.1', resolve))
    return server
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** As a good server does: ranges, If-Range, entity tags. */
  serve(path: string, request: IncomingMessage, response: ServerResponse): void {
    const file = this.files.get(path)
    if (file === undefined) {
      response.writeHead(404).end('no such file')
      return
    }
    const etag = file.etag ?? '"1"'
    const from = /^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1]
    if (from === undefined || request.headers['if-range'] !== etag) {
      response.writeHead(200, { 'content-length': file.bytes.length, etag }).end(file.bytes)
    } else if (Number(from) >= file.bytes.length) {
      response.writeHead(416, { 'content-range': `bytes */${file.bytes.length}` }).end()
    } else {
      const rest = file.bytes.subarray(Number(from))
      const range = `bytes ${from}-${file.bytes.length - 1}/${file.bytes.length}`
      response.writeHead(206, { 'content-length': rest.length, 'content-range': range, etag }).end(rest)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}
