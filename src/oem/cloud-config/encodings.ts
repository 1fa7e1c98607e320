/**
 * Decodes the content of a file to be written, as coreos-cloudinit does before it applies anything.
 *
 * Base64 is Go's standard encoding: padded, line breaks allowed and nothing else. Gzip is bounded, so that a few kilobytes
 * can't become gigabytes here. Sources: coreos-cloudinit config/decode.go; Go encoding/base64.
 */
import { gunzipSync } from 'node:zlib'
import { isErrnoException } from '../../errors.js'

/** Bigger than any file that belongs into a cloud-config. */
const DECODED_LIMIT_BYTES = 16 * 1024 * 1024

export type Decoded =
  | { readonly kind: 'decoded'; readonly bytes: Uint8Array }
  /** Completes "the content …". */
  | { readonly kind: 'refused'; readonly why: string }
  /** Not looked into any further. */
  | { readonly kind: 'too-big'; readonly limitBytes: number }

/** @param encoding one of ENCODINGS, or empty for none */
export function decodeContent(bytes: Uint8Array, encoding: string): Decoded {
  switch (encoding) {
    case '':
      return { kind: 'decoded', bytes }
    case 'base64':
    case 'b64':
      return fromBase64(bytes)
    case 'gz':
    case 'gzip':
      return fromGzip(bytes)
    case 'gz+base64':
    case 'gzip+base64':
    case 'gz+b64':
    case 'gzip+b64': {
      const packed = fromBase64(bytes)
      return packed.kind === 'decoded' ? fromGzip(packed.bytes) : packed
    }
    default:
      return { kind: 'refused', why: `has the unknown encoding ${encoding}` }
  }
}

function fromBase64(bytes: Uint8Array): Decoded {
  const text = Buffer.from(bytes)
    .toString('latin1')
    .replace(/[\r\n]/g, '')
  const strange = /[^A-Za-z0-9+/=]/.exec(text)?.[0]
  if (strange !== undefined) return { kind: 'refused', why: `has ${JSON.stringify(strange)}, which is no base64` }
  if (text.length % 4 !== 0 || !/^[^=]*={0,2}$/.test(text)) {
    return { kind: 'refused', why: 'is no whole base64: its length is no multiple of four, = included' }
  }
  return { kind: 'decoded', bytes: Buffer.from(text, 'base64') }
}

function fromGzip(bytes: Uint8Array): Decoded {
  try {
    return { kind: 'decoded', bytes: gunzipSync(bytes, { maxOutputLength: DECODED_LIMIT_BYTES }) }
  } catch (error) {
    if (isErrnoException(error) && error.code === 'ERR_BUFFER_TOO_LARGE') {
      return { kind: 'too-big', limitBytes: DECODED_LIMIT_BYTES }
    }
    return { kind: 'refused', why: `is no gzip: ${error instanceof Error ? error.message : String(error)}` }
  }
}
