/**
 * URLs as Ignition reads them: Go's url.Parse, the schemes that a config version allows, and `data:` URLs decoded by the
 * grammar of the library that Ignition uses, which is stricter than RFC 2397.
 *
 * Sources: coreos/ignition config/v3_*_/types/url.go, config/types/url.go; Go's net/url; vincent-petithory/dataurl
 * lex.go, as `ignition-validate` 2.14 answers (measured).
 */
import { compareVersions } from '../release/ignition-versions.js'

/** `oem` is no scheme of upstream's 3.x: Flatcar adds it. */
const SCHEMES: readonly { readonly scheme: string; readonly since: readonly string[] }[] = [
  { scheme: 'http', since: ['2.0.0'] },
  { scheme: 'https', since: ['2.0.0'] },
  { scheme: 'data', since: ['2.0.0'] },
  { scheme: 'oem', since: ['2.0.0'] },
  { scheme: 'tftp', since: ['2.1.0'] },
  { scheme: 's3', since: ['2.1.0'] },
  { scheme: 'gs', since: ['3.2.0'] },
  { scheme: 'arn', since: ['3.4.0'] },
]

export function schemesOf(spec: string): readonly string[] {
  return SCHEMES.filter(({ since }) => since.some((first) => compareVersions(spec, first) >= 0)).map(
    ({ scheme }) => scheme,
  )
}

export type ReadUrl =
  | { readonly kind: 'url'; readonly scheme: string; readonly data: Uint8Array | undefined }
  | {
      readonly kind: 'fault'
      readonly rule: 'ignition-url' | 'ignition-data-url'
      readonly why: string
      readonly hint: string
    }

/** @param url not empty */
export function readUrl(url: string, spec: string): ReadUrl {
  const fault = (why: string, hint: string): ReadUrl => ({ kind: 'fault', rule: 'ignition-url', why, hint })
  const why = urlSyntaxFault(url)
  if (why !== undefined) return fault(why, 'write it as a whole URL, such as https://example.com/file')
  const scheme = schemeOf(url)
  const allowed = schemesOf(spec)
  if (scheme === undefined || !allowed.includes(scheme)) {
    const says = scheme === undefined ? 'it has no scheme' : `scheme ${scheme} is none of version ${spec}`
    return fault(says, `schemes: ${allowed.join(', ')}`)
  }
  if (scheme === 's3' && /[?&]versionId=(?:&|#|$)/.test(url))
    return fault('its versionId is empty', 'leave versionId out')
  if (scheme === 'arn' && !/^arn:[^:]*:s3:[^:]*:[^:]*:(?!accesspoint\/[^/]*$)[^/]*\//.test(url)) {
    return fault('it names no object of S3', 'write arn:aws:s3:::bucket/key')
  }
  if (scheme !== 'data') return { kind: 'url', scheme, data: undefined }
  const decoded = decodeDataUrl(url)
  return typeof decoded === 'string'
    ? {
        kind: 'fault',
        rule: 'ignition-data-url',
        why: decoded,
        hint: 'write data:;base64, and the bytes in base64, or data:, and the text with everything but letters and digits percent-encoded',
      }
    : { kind: 'url', scheme, data: decoded }
}

/** In small letters, as Go has it. */
export function schemeOf(url: string): string | undefined {
  return /^([A-Za-z][A-Za-z0-9+.-]*):/.exec(url)?.[1]?.toLowerCase()
}

/** Whether it can be read and is of http or https. */
export function isHttp(url: string): boolean {
  return urlSyntaxFault(url) === undefined && ['http', 'https'].includes(schemeOf(url) ?? '')
}

/** What Go's url.Parse refuses. */
function urlSyntaxFault(url: string): string | undefined {
  // All but control characters, because a class of those is hard to read.
  if (/[^ -~\u0080-\uffff]/.test(url)) return 'it holds a control character'
  const [beforeFragment = '', ...fragments] = url.split('#')
  if (hasBadEscape(fragments.join('#'))) return 'its fragment has a % without two hexadecimal digits'
  const scheme = schemeOf(beforeFragment)
  if (scheme === undefined) return beforeFragment.includes(':') ? 'it starts with no scheme' : undefined
  const rest = beforeFragment.slice(scheme.length + 1).split('?', 1)[0] ?? ''
  if (!rest.startsWith('/')) return undefined
  const authority = rest.startsWith('//') ? (rest.slice(2).split('/', 1)[0] ?? '') : undefined
  const path = authority === undefined ? rest : rest.slice(2 + authority.length)
  if (hasBadEscape(path)) return 'it has a % without two hexadecimal digits'
  if (authority === undefined) return undefined
  const at = authority.lastIndexOf('@')
  if (at >= 0 && !/^[A-Za-z0-9\-._:~!$&'()*+,;=%@]*$/.test(authority.slice(0, at))) return 'its user name is none'
  const host = authority.slice(at + 1)
  return isHost(host) ? undefined : `its host ${JSON.stringify(host)} is none`
}

function isHost(host: string): boolean {
  if (host.startsWith('[')) return /^\[[^\]]*\](?::\d*)?$/.test(host)
  // What follows the last colon is the port.
  return !/[ %\\^`{|}]/.test(host) && /^[^:]*$|:\d*$/.test(host)
}

function hasBadEscape(part: string): boolean {
  return /%(?![0-9A-Fa-f]{2})/.test(part)
}

const TOKEN = String.raw`[^\s()<>@,;:\\"/[\]?=\x00-\x1f\x7f-\uffff]`
const DATA_URL = new RegExp(
  `^data:(?:(?:application|audio|image|message|multipart|text|video|[xX]-${TOKEN}*)/${TOKEN}*)?` +
    String.raw`(?:;${TOKEN}+=(?:${TOKEN}+|"(?:[^"\\]|\\.)*"))*(;base64)?,(.*)$`,
  's',
)

/** @returns the bytes, or what is wrong */
export function decodeDataUrl(url: string): Uint8Array | string {
  const match = DATA_URL.exec(url)
  if (match === null) return url.includes(',') ? 'what stands before its comma is not understood' : 'it has no comma'
  const [, base64, data = ''] = match
  const strange = /[^!$&'()*+,\-./0-9:;=?@A-Z_a-z~%]/u.exec(data)?.[0]
  if (strange !== undefined) return `it holds ${JSON.stringify(strange)}, which must be percent-encoded`
  if (base64 === undefined) {
    return hasBadEscape(data) ? 'it has a % without two hexadecimal digits' : percentDecoded(data)
  }
  if (!/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(data)) {
    return 'its base64 is damaged, or lacks the = at the end'
  }
  return Buffer.from(data, 'base64')
}

function percentDecoded(data: string): Uint8Array {
  const bytes = data.replace(/%([0-9A-Fa-f]{2})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 16)),
  )
  return Buffer.from(bytes, 'latin1')
}
