/**
 * Everything that Ignition fetches: URLs, compression, hashes and headers. What is written into the config itself is
 * decoded here as it will be at boot.
 *
 * Sources: coreos/ignition config/v3_*_/types/resource.go, verification.go, headers.go, proxy.go; internal/resource/url.go.
 */
import { createHash } from 'node:crypto'
import { gunzipSync } from 'node:zlib'
import type { Finding } from '../../finding.js'
import { field, stringField } from '../../mapping.js'
import { isHttp, readUrl, schemeOf } from '../url.js'
import { type Item, innerItem, itemAt, itemsAt, itemsIn, type Subject } from './subject.js'

/** More than any config's own content; a bomb otherwise. */
const UNPACKED_LIMIT_BYTES = 64 * 1024 * 1024

export function checkResources(subject: Subject): readonly Finding[] {
  const files = itemsAt(subject, ['storage', 'files'])
  const referred = [
    ...itemsAt(subject, ['ignition', 'config', 'append']),
    ...itemsAt(subject, ['ignition', 'config', 'merge']),
    ...itemsAt(subject, ['ignition', 'security', 'tls', 'certificateAuthorities']),
  ]
  const others = [
    ...itemAt(subject, ['ignition', 'config', 'replace']),
    ...files.flatMap((file) => innerItem(file, 'contents') ?? []),
    ...files.flatMap((file) => itemsIn(file, ['append'])),
    ...itemsAt(subject, ['storage', 'luks']).flatMap((luks) => innerItem(luks, 'keyFile') ?? []),
  ]
  return [
    ...referred
      .filter(({ value }) => field(value, 'source') === '')
      .map(({ path }) => subject.found('ignition-missing', [...path, 'source'], 'the source is empty')),
    ...[...referred, ...others].flatMap((resource) => checkResource(subject, resource)),
    ...checkProxy(subject),
  ]
}

function checkResource(subject: Subject, resource: Item): readonly Finding[] {
  const { path, value } = resource
  const source = stringField(value, 'source')
  const url = source === undefined || source === '' ? undefined : readUrl(source, subject.spec)
  const findings: Finding[] = []
  if (url?.kind === 'fault') {
    const shown = (source ?? '').length > 60 ? `${(source ?? '').slice(0, 60)}…` : source
    findings.push(
      subject.found(url.rule, [...path, 'source'], `URL ${JSON.stringify(shown)}: ${url.why}`, { hint: url.hint }),
    )
  }
  const compression = stringField(value, 'compression') ?? ''
  if (compression !== '' && compression !== 'gzip') {
    const hint = 'write gzip, or leave compression out'
    findings.push(
      subject.found(
        'ignition-compression',
        [...path, 'compression'],
        `compression ${JSON.stringify(compression)} is none`,
        { hint },
      ),
    )
  } else if (compression === 'gzip' && url?.kind === 'url' && ['s3', 'arn'].includes(url.scheme)) {
    findings.push(
      subject.found('ignition-compression', [...path, 'compression'], 'nothing from S3 is unpacked', {
        hint: 'store it unpacked',
      }),
    )
  }
  const data = url?.kind === 'url' ? url.data : undefined
  const content = data !== undefined && compression === 'gzip' ? unpack(data) : data
  if (data !== undefined && content === undefined) {
    const hint = 'pack the content with gzip before base64, or leave compression out'
    findings.push(
      subject.found('ignition-gzip', [...path, 'source'], 'compression is gzip, but this is no gzip', { hint }),
    )
  }
  return [...findings, ...checkHash(subject, resource, content), ...checkHeaders(subject, resource)]
}

function unpack(data: Uint8Array): Uint8Array | undefined {
  try {
    return gunzipSync(data, { maxOutputLength: UNPACKED_LIMIT_BYTES })
  } catch {
    // What is wrong with it makes no difference: Ignition stops.
    return undefined
  }
}

function checkHash(subject: Subject, { path, value }: Item, content: Uint8Array | undefined): readonly Finding[] {
  const hash = stringField(field(value, 'verification'), 'hash')
  if (hash === undefined) return []
  const at = [...path, 'verification', 'hash']
  const known = subject.atLeast('3.1.0') ? { sha512: 128, sha256: 64 } : { sha512: 128 }
  const names = Object.keys(known).join(' or ')
  const dash = hash.indexOf('-')
  const name = hash.slice(0, Math.max(dash, 0))
  const digits = hash.slice(dash + 1)
  const length = Object.hasOwn(known, name) ? Object.entries(known).find(([key]) => key === name)?.[1] : undefined
  const form = `write ${names}, a hyphen, and the digest in hexadecimal digits`
  if (length === undefined) {
    return [
      subject.found(
        'ignition-hash',
        at,
        `hash ${JSON.stringify(hash.slice(0, 40))} is none of version ${subject.spec}`,
        { hint: form },
      ),
    ]
  }
  if (digits.length !== length) {
    return [
      subject.found(
        'ignition-hash',
        at,
        `a ${name} has ${length} hexadecimal digits, this one ${digits.length} characters`,
        { hint: form },
      ),
    ]
  }
  // In 3.0.0 references to configs are not looked at for that.
  const needsSource = subject.atLeast('3.1.0') || (subject.isSpec3 && path[0] === 'storage')
  if (needsSource && stringField(value, 'source') === undefined) {
    return [
      subject.found('ignition-hash', at, 'there is a hash, but no source', {
        hint: 'add a source, or leave verification out',
      }),
    ]
  }
  if (!/^[0-9A-Fa-f]*$/.test(digits)) {
    return [
      subject.found('ignition-hash-mismatch', at, 'the digest holds more than hexadecimal digits: no content has it', {
        hint: form,
      }),
    ]
  }
  const actual = content === undefined ? undefined : createHash(name).update(content).digest('hex')
  if (actual === undefined || actual === digits.toLowerCase()) return []
  return [
    subject.found('ignition-hash-mismatch', at, `the content has ${name} ${actual}`, {
      hint: `write ${name}-${actual}`,
    }),
  ]
}

function checkHeaders(subject: Subject, resource: Item): readonly Finding[] {
  const headers = itemsIn(resource, ['httpHeaders'])
  if (headers.length === 0) return []
  const scheme = schemeOf(stringField(resource.value, 'source') ?? '')
  const vain =
    scheme === 'http' || scheme === 'https'
      ? []
      : [
          subject.found('ignition-headers', [...resource.path, 'httpHeaders'], 'headers are for http and https only', {
            hint: 'leave httpHeaders out',
          }),
        ]
  const empty = headers.flatMap(({ path, value }) =>
    (['name', 'value'] as const)
      .filter((key) => field(value, key) === '')
      .map((key) => subject.found('ignition-headers', [...path, key], `the header's ${key} is empty`)),
  )
  return [...vain, ...empty]
}

function checkProxy(subject: Subject): readonly Finding[] {
  const proxy = field(field(subject.document.value, 'ignition'), 'proxy')
  return (['httpProxy', 'httpsProxy'] as const).flatMap((key) => {
    const url = stringField(proxy, key)
    if (url === undefined || isHttp(url)) return []
    return [
      subject.found(
        'ignition-url',
        ['ignition', 'proxy', key],
        `a proxy has a URL of http or https, found ${JSON.stringify(url)}`,
      ),
    ]
  })
}
