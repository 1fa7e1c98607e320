/**
 * Digest files, as the programs that read them want them.
 *
 * `X.sha256` is what `sha256sum X` prints (GNU coreutils, "cksum output modes": digest, two spaces, name; a name with a
 * backslash or a line feed is escaped, and a backslash begins the line). `X.DIGESTS` is the vendors' format
 * (coreos/scripts and flatcar/scripts make_digests, after Gentoo's catalyst): a header line for each algorithm, then a line
 * for each file. Theirs has MD5 and SHA-1, too; ours has SHA-512 only: the others prove nothing any more, and whoever reads
 * the vendors' files takes the line below `# SHA512 HASH`.
 */

export interface NamedDigest {
  /** Without directories. */
  readonly name: string
  /** Lower-case. */
  readonly hex: string
}

export function formatSha256File(digest: NamedDigest): string {
  return digestLine(digest)
}

/** @param digests SHA-512; the image's first, for readers that take only the line below the header */
export function formatDigests(digests: readonly NamedDigest[]): string {
  return ['# SHA512 HASH\n', ...digests.map(digestLine)].join('')
}

function digestLine({ name, hex }: NamedDigest): string {
  const escaped = name.replace(/[\\\n]/g, (character) => (character === '\n' ? '\\n' : '\\\\'))
  return `${escaped === name ? '' : '\\'}${hex}  ${escaped}\n`
}
