/**
 * What a bake tells, in Packer's user interface: progress as messages, warnings where Packer shows errors.
 *
 * Lines are the same as on a command line without a terminal, once a second at most. Each is sent when the one before has
 * been answered: Packer serves calls beside each other, and lines would come out of order.
 */
import { Writable } from 'node:stream'
import { showProgress } from '../cli/render/progress.js'
import { asProgressEvent } from '../cli/render/progress-event.js'
import type { RpcClient } from './wire/rpc.js'

export class PackerUi {
  readonly #packer: RpcClient
  #sent: Promise<unknown> = Promise.resolve()

  constructor(packer: RpcClient) {
    this.#packer = packer
  }

  say(text: string): void {
    this.#send('Ui.Say', text)
  }

  /** All that was said has arrived. */
  async settled(): Promise<void> {
    await this.#sent
  }

  /** @returns what takes a bake's lines of standard error, and is to be closed behind the last of them */
  follow(): { readonly onLine: (line: string) => void; close(): void } {
    const messages = showProgress('plain', false, this.#lines('Ui.Message'))
    const warnings = showProgress('none', true, this.#lines('Ui.Error'))
    return {
      onLine: (line) => {
        const event = asProgressEvent(line)
        if (event === undefined) this.#send('Ui.Message', line)
        else (event.kind === 'warning' ? warnings : messages).onEvent(event)
      },
      close: () => {
        messages.close()
        warnings.close()
      },
    }
  }

  #lines(method: string): Writable {
    return new Writable({
      decodeStrings: false,
      write: (text: string, _encoding, done) => {
        this.#send(method, text.trimEnd())
        done()
      },
    })
  }

  #send(method: string, text: string): void {
    // A connection that is gone has nobody to tell; the call that it belongs to fails by itself.
    this.#sent = this.#sent.then(() => this.#packer.call(method, text)).catch(() => undefined)
  }
}
