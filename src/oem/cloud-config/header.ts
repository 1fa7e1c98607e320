/**
 * What kind of file stands in the place of the OEM cloud-config, by its first line alone, as coreos-cloudinit tells it.
 *
 * Sources: coreos-cloudinit config/config.go (IsCloudConfig, IsMultipartMime), config/script.go, config/ignition.go,
 * initialize/user_data.go, coreos-cloudinit.go (decompressIfGzip).
 */
import { gunzipSync } from 'node:zlib'
import { isErrnoException, UsageError } from '../../errors.js'
import { formatPlace } from '../finding.js'

export const CLOUD_CONFIG_HEADER = '#cloud-config'

/** A cloud-config beyond this is a mistake, or a bomb once unpacked. */
const UNPACKED_LIMIT_BYTES = 16 * 1024 * 1024

export type CloudConfigKind = 'cloud-config' | 'script' | 'multipart'

export interface DecodedText {
  readonly text: string
  /** Whether it was packed with gzip. */
  readonly packed: boolean
}

/** @throws ERR_CLOUD_CONFIG_INVALID */
export function decodeText(bytes: Uint8Array, file: string): DecodedText {
  const packed = bytes[0] === 0x1f && bytes[1] === 0x8b
  const plain = packed ? unpack(bytes, file) : bytes
  try {
    return { text: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(plain), packed }
  } catch (error) {
    throw invalid(`${file} is not UTF-8 text`, 'save it as UTF-8 without a byte order mark', error)
  }
}

function unpack(bytes: Uint8Array, file: string): Uint8Array {
  try {
    return gunzipSync(bytes, { maxOutputLength: UNPACKED_LIMIT_BYTES })
  } catch (error) {
    if (isErrnoException(error) && error.code === 'ERR_BUFFER_TOO_LARGE') {
      throw invalid(
        `${file} unpacks to more than ${UNPACKED_LIMIT_BYTES >> 20} MiB`,
        'put big files onto the OEM partition with --file, not into the cloud-config',
        error,
      )
    }
    throw invalid(`${file} starts like gzip but can't be unpacked`, 'give the cloud-config itself, unpacked', error)
  }
}

/** @throws ERR_CLOUD_CONFIG_INVALID for anything that coreos-cloudinit would leave alone or refuse */
export function recognise(text: string, file: string): CloudConfigKind {
  const firstLine = text.split('\n', 1)[0] ?? ''
  if (firstLine.startsWith('#!')) return 'script'
  if (firstLine.trimEnd() === CLOUD_CONFIG_HEADER) return 'cloud-config'
  if (firstLine.includes('Content-Type: multipart/mixed;')) return 'multipart'
  throw headerError(text, firstLine, file)
}

/** Says what stands in the header's place. */
function headerError(text: string, firstLine: string, file: string): UsageError {
  const at = (line: number, column: number) => formatPlace({ file, line, column })
  if (text.startsWith('\ufeff')) {
    return invalid(
      `${at(1, 1)}: starts with a byte order mark, so its header does not count`,
      'save it as UTF-8 without one',
    )
  }
  if (text.trim() === '') return invalid(`${file} is empty`, `start with a line ${CLOUD_CONFIG_HEADER}`)
  if (/^\s*\{/.test(text)) {
    return invalid(
      `${at(1, 1)}: looks like an Ignition config: coreos-cloudinit would leave it alone`,
      'give it with --ignition instead',
    )
  }
  if (/^(?:MIME-Version|Content-[A-Za-z-]+):/i.test(firstLine)) {
    return invalid(
      `${at(1, 1)}: looks like MIME, but coreos-cloudinit takes it for that only when its first line is Content-Type: multipart/mixed; boundary=…`,
      'move that line to the top, or give a plain cloud-config',
    )
  }
  const lines = text.split('\n')
  const index = lines.findIndex((line) => line.trim() === CLOUD_CONFIG_HEADER)
  if (index > 0) {
    return invalid(
      `${at(index + 1, (lines[index] ?? '').indexOf('#') + 1)}: the ${CLOUD_CONFIG_HEADER} header stands on line ${index + 1}, expected on line 1`,
      'remove what stands above it, blank lines too',
    )
  }
  return invalid(
    `${at(1, 1)}: must start with a line ${CLOUD_CONFIG_HEADER}, found ${JSON.stringify(firstLine.slice(0, 60))}`,
    `write exactly ${CLOUD_CONFIG_HEADER} on line 1, without blanks before or inside`,
  )
}

export function invalid(message: string, hint: string, cause?: unknown): UsageError {
  return new UsageError('ERR_CLOUD_CONFIG_INVALID', message, { hint, cause })
}
