/** Small changes to an Ignition config that may or may not break it: what people and their tools get wrong. */
import fc from 'fast-check'

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }
type Path = readonly (string | number)[]

/** Values that mean something to some field or other. */
const VALUES: readonly Json[] = [
  null,
  true,
  false,
  0,
  1,
  -1,
  420,
  644,
  4095,
  4096,
  2048,
  '',
  '/',
  '/a',
  '/a/',
  '/a//b',
  '/a/../b',
  'a',
  '.',
  '/opt/bin',
  '/etc/motd',
  '/etc/motd/x',
  'a.service',
  'a.conf',
  'a.mount',
  'a',
  'x.y',
  '/a.service',
  'http://example.com',
  'https://example.com/a b',
  'http://a b/',
  'ftp://x',
  's3://b/k',
  's3://b/k?versionId=',
  'gs://b/k',
  'arn:aws:s3:::b/k',
  'tftp://h/f',
  'data:,a',
  'data:,a b',
  'data:;base64,YQ==',
  'data:;base64,YQ',
  'data:text/plain;charset=utf-8,a',
  'data:foo/bar,a',
  'data:,%',
  'http://h:1x/',
  ':',
  'x:y',
  'sha512-00',
  'sha256-00',
  `sha512-${'0'.repeat(128)}`,
  `sha256-${'0'.repeat(64)}`,
  `md5-${'0'.repeat(32)}`,
  'gzip',
  'xz',
  'ext4',
  'ext5',
  'btrfs',
  'none',
  'swap',
  'vfat',
  'xfs',
  'raid0',
  'raid1',
  'raid7',
  'linear',
  'abcdefghijklmnopq',
  'a'.repeat(37),
  'a'.repeat(48),
  'a:b',
  '0FC63DAF-8483-4772-8E79-3D69D8477DE4',
  '0FC63DAF',
  '[Unit]\nA=b',
  '[Unit',
  '[Unit]\nA',
  '[Install]\nWantedBy=x\n',
  '[Unit] x\n',
  '#[\n',
  'tpm2',
  'sss',
  [],
  {},
  ['/dev/sda'],
  ['/dev/sda', '/dev/sda'],
  [{}],
  { id: 1, name: 'x' },
  { id: 1 },
  { source: 'data:,a' },
]

export function mutatedConfig(base: Json): fc.Arbitrary<Json> {
  const paths = pathsOf(base).filter(
    ([first, second]) => !(first === 'ignition' && (second === undefined || second === 'version')),
  )
  const one = fc.constantFrom(...paths).chain((path) =>
    fc.oneof(
      fc.constantFrom(...VALUES).map((value) => (config: Json) => changed(config, path, () => value)),
      fc.constant((config: Json) => changed(config, path, () => undefined)),
      fc.constant((config: Json) =>
        changed(config, path, (value) => (Array.isArray(value) ? [...value, ...value.slice(0, 1)] : value)),
      ),
      fc
        .tuple(fc.nat(60), fc.constantFrom('', '/', '-', ' ', '%', ':', '.', 'x', '\n', '[', ']', '=', '"', 'é', '0'))
        .map(
          ([at, by]) =>
            (config: Json) =>
              changed(config, path, (value) =>
                typeof value === 'string' ? value.slice(0, at) + by + value.slice(at + 1) : value,
              ),
        ),
      fc.constantFrom(...paths).map((other) => (config: Json) => changed(config, path, () => valueAt(base, other))),
    ),
  )
  return fc
    .array(one, { minLength: 1, maxLength: 2 })
    .map((changes) => changes.reduce((config, change) => change(config), base))
}

function pathsOf(value: Json, path: Path = []): readonly Path[] {
  const own = path.length === 0 ? [] : [path]
  if (Array.isArray(value)) return [...own, ...value.flatMap((item: Json, index) => pathsOf(item, [...path, index]))]
  if (typeof value !== 'object' || value === null) return own
  return [...own, ...Object.entries(value).flatMap(([key, inner]) => pathsOf(inner, [...path, key]))]
}

function valueAt(value: Json, path: Path): Json {
  return path.reduce<Json>((inner, step) => (inner as Record<string | number, Json>)[step] ?? null, value)
}

/** A path that another change took away changes nothing. */
function changed(value: Json, path: Path, change: (old: Json) => Json | undefined): Json {
  const [step, ...rest] = path
  if (step === undefined || typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) {
    return value.flatMap((item: Json, index) => {
      if (index !== step) return [item]
      const inner = rest.length === 0 ? change(item) : changed(item, rest, change)
      return inner === undefined ? [] : [inner]
    })
  }
  const object = value as { readonly [key: string]: Json }
  if (!Object.hasOwn(object, step)) return value
  const inner = rest.length === 0 ? change(object[step] ?? null) : changed(object[step] ?? null, rest, change)
  const { [step]: _, ...others } = object
  return inner === undefined ? others : { ...object, [step]: inner }
}
