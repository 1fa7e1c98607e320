/**
 * Programs on the OEM partition that something starts: hooks that the distribution looks for, and what units name in their
 * Exec lines. They must be there, be executable, and begin in a way that the kernel understands.
 *
 * Sources: coreos/init and flatcar/init systemd/system/coreos-setup-environment.service and addon-run@.service;
 * coreos/update_engine coreos-postinst and flatcar/update_engine flatcar-postinst; systemd.service(5); execve(2).
 */
import type { Finding } from '../finding.js'
import { TREE_RULES } from './rules.js'
import { formatMode, placeAt, type TreeFile } from './tree-file.js'

const EXECUTABLE = 0o111
const WRITABLE_BY_ALL = 0o002
const SETUID_OR_SETGID = 0o6000

/** What starts a hook, and only if it is executable. */
const HOOKS: ReadonlyMap<string, string> = new Map([
  ['/bin/coreos-setup-environment', 'coreos-setup-environment.service'],
  ['/bin/flatcar-setup-environment', 'flatcar-setup-environment.service'],
  ['/bin/oem-postinst', 'the updater'],
  ['/run', 'addon-run@.service'],
  ['/run.sh', 'addon-run@.service'],
])

/** `ExecStart=` and its siblings with a program on the OEM partition; in JSON, too, where the line ends at `\n`. */
const EXEC = /Exec[A-Z][A-Za-z]*=[-@:+!]*(?:\/usr\/share\/oem|\/oem)(\/[^\s"'\\;%$*]+)(?=[\s"'\\;]|$)/g

interface Started {
  readonly path: string
  readonly by: string
}

export function checkPrograms(files: readonly TreeFile[]): readonly Finding[] {
  const byPath = new Map(files.map((file) => [file.path, file]))
  const findings: Finding[] = []
  const started: Started[] = []
  for (const [path, by] of HOOKS) if (byPath.has(path)) started.push({ path, by })
  for (const file of files) {
    if (!file.isWritten || file.text === undefined) continue
    for (const match of file.text.matchAll(EXEC)) {
      const path = match[1] ?? ''
      if (byPath.has(path)) started.push({ path, by: `a unit in ${file.source}` })
      else if (!isConditional(file.text, path)) {
        findings.push(
          TREE_RULES.found('program-absent', `starts ${path}, which will not be on the OEM partition`, {
            place: placeAt(file, match.index),
            hint: `add --file SRC:${path}:0755`,
          }),
        )
      }
    }
  }
  const seen = new Set<string>()
  for (const { by, path } of started) {
    const file = byPath.get(path)
    if (file === undefined || !file.isWritten || seen.has(path)) continue
    seen.add(path)
    findings.push(...checkStarted(file, by))
  }
  return [...findings, ...files.flatMap(checkLineEnds), ...files.flatMap(checkMode)]
}

/** The unit says itself that it does without. */
function isConditional(text: string, path: string): boolean {
  return text.split(/\n|\\n/).some((line) => line.startsWith('Condition') && line.endsWith(path))
}

function checkStarted(file: TreeFile, by: string): readonly Finding[] {
  const findings: Finding[] = []
  if ((file.mode & EXECUTABLE) === 0) {
    findings.push(
      TREE_RULES.found(
        'program-not-executable',
        `${file.path} has mode ${formatMode(file.mode)}: ${by} starts only what is executable`,
        { hint: `give it a mode: --file SRC:${file.path}:0755` },
      ),
    )
  }
  if (file.text !== undefined && !file.text.startsWith('#!')) {
    findings.push(
      TREE_RULES.found(
        'program-without-shebang',
        `${file.path}, which ${by} starts, is text without #! and an interpreter on its first line: it would not start`,
        { place: { file: file.source, line: 1, column: 1 }, hint: 'begin it with #!/bin/bash' },
      ),
    )
  }
  return findings
}

/** The kernel looks for an interpreter whose name ends in a carriage return. */
function checkLineEnds(file: TreeFile): readonly Finding[] {
  if (!file.isWritten || file.text?.startsWith('#!') !== true) return []
  const index = file.text.indexOf('\r\n')
  if (index < 0) return []
  return [
    TREE_RULES.found('script-cr', `${file.path} has Windows line ends, and a script with them does not start`, {
      place: placeAt(file, index),
      hint: 'save it with LF line ends',
    }),
  ]
}

function checkMode(file: TreeFile): readonly Finding[] {
  const mode = formatMode(file.mode)
  if ((file.mode & SETUID_OR_SETGID) !== 0) {
    return [
      TREE_RULES.found(
        'setuid-file',
        `${file.path} has mode ${mode}: every user runs it with its owner's or group's rights`,
        { hint: `leave it out with --remove ${file.path}` },
      ),
    ]
  }
  if (!file.isWritten || (file.mode & WRITABLE_BY_ALL) === 0) return []
  return [
    TREE_RULES.found('world-writable', `${file.path} has mode ${mode}: every user of the machine can change it`, {
      hint: `--file SRC:${file.path}:${formatMode(file.mode & ~0o022)}`,
    }),
  ]
}
