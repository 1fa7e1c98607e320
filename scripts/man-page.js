/**
 * Writes the manual page, `dist/man/oem-bake.1`, from the same table of verbs and flags as the completion scripts.
 *
 * roff with the man macros (man(7), groff_man(7)): what every man program renders.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const ROOT = join(import.meta.dirname, '..')
const { VERBS } = await import(join(ROOT, 'dist', 'cli', 'verbs.js'))
const { flagsOf } = await import(join(ROOT, 'dist', 'cli', 'completion', 'flags.js'))
const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
const DIRECTORY = join(ROOT, 'dist', 'man')

/** A backslash and a leading dot or quote mean something to roff; a hyphen would be set as a dash. */
const text = (words) =>
  words
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replace(/^(?=[.'])/gm, '\\&')

const flagLine = ({ name, short, values }) => {
  const value = values === undefined ? '' : ` \\fI${valueName(values)}\\fR`
  const spelled = [...(short === undefined ? [] : [`-${short}`]), `--${name}`]
  return `${spelled.map((one) => `\\fB${text(one)}\\fR`).join(', ')}${value}`
}

const valueName = (values) => {
  if (typeof values !== 'string') return values.map((one) => text(one)).join('|')
  return { file: 'FILE', directory: 'DIR', template: 'NAME|DIR', rule: 'RULE', text: 'VALUE' }[values]
}

/** A flag with the same meaning for several verbs is told once. */
const groups = new Map()
for (const verb of VERBS) {
  for (const flag of flagsOf(verb)) {
    const flags = groups.get(flag.group) ?? new Map()
    const key = `${flagLine(flag)} ${flag.describe}`
    const known = flags.get(key) ?? { flag, verbs: [] }
    known.verbs.push(verb.name)
    flags.set(key, known)
    groups.set(flag.group, flags)
  }
}

const everyVerb = VERBS.length
const options = [...groups].flatMap(([group, flags]) => [
  `.SS "${text(group.replace(/:$/, ''))}"`,
  ...[...flags.values()].flatMap(({ flag, verbs }) => [
    '.TP',
    flagLine(flag),
    text(flag.describe) + (verbs.length === everyVerb ? '' : `\n.br\n(${verbs.map((verb) => text(verb)).join(', ')})`),
  ]),
])

const EXIT_CODES = [
  ['0', 'success'],
  ['1', 'a defect of oem-bake'],
  ['2', 'usage: flags, template, variables, cloud-config, Ignition config'],
  ['3', 'verification failed'],
  ['4', 'the image: unreadable, corrupt, no OEM partition'],
  ['5', 'something needed is missing or not supported'],
  ['6', 'the engine, or a program it needs, failed'],
  ['7', 'the machine: space, permission, I/O'],
  ['8', 'refused: output exists, unknown files on the OEM partition'],
  ['9', 'the check after the bake failed; nothing was published'],
  ['129, 130, 143', 'cancelled by SIGHUP, SIGINT, SIGTERM'],
]
const ENVIRONMENT = [
  ['OEM_BAKE_TEMPLATES', 'More directories of templates, with colons between.'],
  ['OEM_BAKE_KEYRING', 'A file or directory of keys that signatures are checked with.'],
  ['SOURCE_DATE_EPOCH', 'Clock of the new files, in seconds since 1970.'],
  ['XDG_CACHE_HOME, XDG_CONFIG_HOME', 'Where what is known of images, and added keys, are kept.'],
  ['TMPDIR', 'Where temporary files lie that have no place beside an output.'],
  ['OEM_BAKE_DEBUG', 'With any value: errors come with their stack.'],
]
const tagged = (rows) => rows.flatMap(([tag, words]) => ['.TP', `\\fB${text(tag)}\\fR`, text(words)])

const page = [
  `.TH OEM-BAKE 1 "" "oem-bake ${version}" "User Commands"`,
  '.SH NAME',
  'oem-bake \\- bakes a provider\\(aqs edition of a Container Linux or Flatcar image',
  '.SH SYNOPSIS',
  ...VERBS.flatMap(({ usage }, index) => [...(index === 0 ? [] : ['.br']), `\\fBoem-bake\\fR ${text(usage)}`]),
  '.SH DESCRIPTION',
  text(
    'Takes an official image and makes an edition of it: the same operating system with other files on the OEM partition.',
  ),
  text(
    'The image is verified as far as somebody vouches for it, its OEM partition is edited, and the rest of it stays as it was, byte for byte.',
  ),
  text('The input is never written; the output appears whole and checked, or not at all.'),
  '.SH COMMANDS',
  ...tagged(VERBS.map(({ name, summary }) => [name, `${summary}.`])),
  '.SH OPTIONS',
  ...options,
  '.SH EXIT STATUS',
  ...tagged(EXIT_CODES),
  '.SH ENVIRONMENT',
  ...tagged(ENVIRONMENT),
  '.SH EXAMPLES',
  ...tagged(
    VERBS.flatMap(({ examples, name }) =>
      examples.map(({ does, typed }) => [`oem-bake ${name === 'bake' ? '' : `${name} `}${typed}`, `${does}.`]),
    ),
  ),
  '.SH SEE ALSO',
  '\\fBbzip2\\fR(1), \\fBguestfish\\fR(1), \\fBgpg\\fR(1), \\fBpacker\\fR(1)',
  '',
].join('\n')

mkdirSync(DIRECTORY, { recursive: true })
writeFileSync(join(DIRECTORY, 'oem-bake.1'), page)
