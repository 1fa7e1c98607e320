/** Flags, templates, variables and configs that can't be meant, and content that the image can't take. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { noise } from '../../support/random.js'
import { image, type Place, RACKSPACE, type Row } from './row.js'

const usage = { exitCode: 2, code: 'ERR_USAGE' } as const
/** Adds words to a command line that would be fine without them. */
const typing =
  (...words: readonly string[]) =>
  (place: Place) => ({ args: [image(place), ...words] })
const baking = (...words: readonly string[]) => typing(...RACKSPACE, ...words)

/** Lays a file beside the image and names it in a flag. */
const withFile = (name: string, content: string, words: (path: string) => readonly string[]) => (place: Place) => {
  writeFileSync(join(place, name), content)
  return { args: [image(place), ...words(join(place, name))] }
}

const TEMPLATE = `name: acme
title: Acme Cloud
description: Needs to be told its region.
oem_id: ec2
variables:
  region: {type: string, pattern: '[a-z]+', description: where the machine runs}
files:
  - {path: /region.yml, source: region.yml, format: yaml}
`

/** A template of one's own with a variable that has no default. */
const acme =
  (manifest: string, ...words: readonly string[]) =>
  (place: Place) => {
    const directory = join(place, 'acme')
    mkdirSync(directory)
    writeFileSync(join(directory, 'template.yml'), manifest)
    writeFileSync(join(directory, 'region.yml'), 'region: $' + '{{region}}\n')
    return { args: [image(place), '--template', directory, ...words] }
  }

/** Two neighbouring letters the wrong way round. */
function misspelt(name: string): string {
  return name.slice(0, 2) + name.charAt(3) + name.charAt(2) + name.slice(4)
}

/** Those of every verb: `test/cli/understood.test.ts`. */
const TYPOS: readonly Row[] = [
  ...['template', 'max-size'].map((name) => ({
    title: `--${misspelt(name)} for --${name}`,
    make: baking(`--${misspelt(name)}`),
    says: [`unknown flag --${misspelt(name)}`],
    hint: [`did you mean --${name}?`],
    ...usage,
  })),
  ...['bake', 'inspect'].map((verb) => ({
    title: `${misspelt(verb)} for ${verb}`,
    make: (place: Place) => ({ args: [misspelt(verb), image(place), ...RACKSPACE] }),
    says: [`unknown command ${misspelt(verb)}`],
    hint: [`did you mean oem-bake ${verb}?`],
    ...usage,
  })),
]

export const REQUEST_ROWS: readonly Row[] = [
  ...TYPOS,
  {
    title: 'a short flag that nobody knows',
    make: baking('-x'),
    says: ['unknown flag -x'],
    hint: ['--help'],
    ...usage,
  },
  {
    title: 'a template without its flag',
    make: (place) => ({ args: ['rackspace', image(place)] }),
    says: ['one word too many: rackspace'],
    hint: ['did you mean --template rackspace?'],
    ...usage,
  },
  {
    title: 'a proof with one image',
    make: (place) => ({ args: ['prove', image(place)] }),
    says: ['no second image'],
    hint: ['oem-bake prove ORIGINAL BAKED'],
    ...usage,
  },
  {
    title: 'a proof with three images',
    make: (place) => ({ args: ['prove', image(place), image(place), 'third.bin'] }),
    says: ['one word too many', 'third.bin'],
    hint: ['--help'],
    ...usage,
  },
  {
    title: 'prvoe for prove',
    make: (place) => ({ args: ['prvoe', image(place), image(place)] }),
    says: ['unknown command prvoe'],
    hint: ['did you mean oem-bake prove?'],
    ...usage,
  },
  {
    title: 'one name for several editions',
    make: typing('-t', 'ec2', '-t', 'gce', '--output', 'x'),
    says: ['--output x', 'several editions'],
    hint: ['--output-dir'],
    ...usage,
  },
  {
    title: 'a template that is named twice',
    make: typing('-t', 'ec2', '-t', 'aws'),
    says: ['template ec2 was named twice'],
    hint: ['once'],
    ...usage,
  },
  {
    title: '--all and a template',
    make: baking('--all'),
    says: ['--all', '--template'],
    hint: ['leave one'],
    ...usage,
  },
  {
    title: 'two places for the output',
    make: baking('--output', 'x', '--output-dir', '.'),
    says: ['--output and --output-dir'],
    hint: ['leave one'],
    ...usage,
  },
  {
    title: 'a batch without a file',
    make: () => ({ args: ['batch'] }),
    says: ['no batch file'],
    hint: ['oem-bake batch'],
    ...usage,
  },
  { title: 'no image', make: () => ({ args: [...RACKSPACE] }), says: ['no image'], hint: ['oem-bake IMAGE'], ...usage },
  {
    title: 'two images',
    make: baking('other.bin'),
    says: ['one word too many', 'other.bin'],
    hint: ['one image'],
    ...usage,
  },
  {
    title: 'nothing to bake',
    make: typing(),
    says: ['no template', 'no cloud-config'],
    hint: ['--template rackspace'],
    ...usage,
  },
  {
    title: '--set without a value',
    make: baking('--set'),
    says: ['--set needs a value'],
    hint: ['oem-bake image.bin', '--set region=eu'],
    ...usage,
  },
  {
    title: '--set without an equals sign',
    make: baking('--set', 'home_url'),
    says: ['--set home_url', 'NAME=VALUE'],
    hint: ['--set home_url=VALUE'],
    ...usage,
  },
  {
    title: '--template without a name',
    make: typing('--template'),
    says: ['--template needs a value'],
    hint: ['oem-bake image.img.bz2 --template rackspace'],
    ...usage,
  },
  {
    title: 'a choice that there is not',
    make: baking('--existing', 'overwrite'),
    says: ['--existing overwrite: expected auto, merge, replace or refuse'],
    hint: ['--help'],
    ...usage,
  },
  ...['0', '64GB', '64 GiB', '-1', '99999999TiB'].map((size) => ({
    title: `--max-size ${size}`,
    make: baking('--max-size', size),
    says: [`--max-size ${size}`, 'expected a number of bytes'],
    hint: ['--max-size 64GiB'],
    ...usage,
  })),
  {
    title: '--file without a destination',
    make: baking('--file', './agent'),
    says: ['--file ./agent', 'SRC:DEST[:MODE]'],
    hint: ['--file ./nova-agent:/bin/nova-agent:0755'],
    ...usage,
  },
  {
    title: '--file with a relative destination',
    make: baking('--file', './agent:bin/agent'),
    says: ['--file ./agent:bin/agent', 'absolute DEST'],
    hint: ['--file ./nova-agent:/bin/nova-agent:0755'],
    ...usage,
  },
  {
    title: '--file with a mode that is not octal',
    make: baking('--file', './agent:/bin/agent:0789'),
    says: ['0789', 'octal MODE'],
    hint: ['--file ./nova-agent:/bin/nova-agent:0755'],
    ...usage,
  },
  {
    title: '--file from nowhere',
    make: baking('--file', '/nonexistent/agent:/bin/agent'),
    exitCode: 2,
    code: 'ERR_INPUT_FILE',
    says: ['--file /nonexistent/agent', 'does not exist'],
    hint: ['check the path'],
  },
  {
    title: '--file to where the OEM partition gets mounted',
    make: withFile('agent', '#!/bin/sh\n', (path) => ['--file', `${path}:/usr/share/oem/bin/agent`]),
    exitCode: 2,
    code: 'ERR_OEM_PATH_INVALID',
    says: ['/usr/share/oem/bin/agent'],
    hint: ['write /bin/agent'],
  },
  {
    title: '--release in a form of its own',
    make: baking('--release', '2512.3.0'),
    says: ['"2512.3.0"'],
    hint: ['--release container-linux:2512.3.0'],
    ...usage,
  },
  {
    title: '--key from nowhere',
    make: baking('--key', '/nonexistent/key.asc'),
    exitCode: 2,
    code: 'ERR_INPUT_FILE',
    says: ['--key /nonexistent/key.asc', 'does not exist'],
    hint: ['check the path'],
  },
  {
    title: '--signature from nowhere',
    make: baking('--signature', '/nonexistent/image.sig'),
    exitCode: 2,
    code: 'ERR_INPUT_FILE',
    says: ['--signature /nonexistent/image.sig', 'does not exist'],
    hint: ['check the path'],
  },
  {
    title: '--signature that is none',
    make: withFile('page.html', '<html>\n', (path) => [...RACKSPACE, '--signature', path]),
    exitCode: 3,
    code: 'ERR_SIGNATURE_INVALID',
    says: ['page.html', 'PGP SIGNATURE'],
    hint: ['download page.html again'],
  },
  {
    title: '--verify require with nothing that vouches',
    make: baking('--verify', 'require'),
    exitCode: 3,
    code: 'ERR_UNVERIFIED',
    says: ['image.bin is not verified', 'no signature'],
    hint: ['image.bin.sig', '--key FILE', '04127D0BFABEC8871FFB2CCE50E0885593D2DCB4'],
  },
  {
    title: '--verify off together with --digests',
    make: baking('--verify', 'off', '--digests', 'x'),
    says: ['--verify off', '--digests was given'],
    hint: ['leave out'],
    ...usage,
  },
  {
    title: 'keys with a word that it does not know',
    make: () => ({ args: ['keys', 'dcotor'] }),
    says: ['"dcotor"'],
    hint: ['did you mean doctor?'],
    ...usage,
  },
  {
    title: 'templates with a word that it does not know',
    make: () => ({ args: ['templates', 'shwo', 'ec2'] }),
    says: ['"shwo"'],
    hint: ['did you mean show?'],
    ...usage,
  },
  {
    title: 'templates show without a name',
    make: () => ({ args: ['templates', 'show'] }),
    says: ['templates show', 'NAME'],
    hint: ['oem-bake templates show rackspace'],
    ...usage,
  },
  {
    title: 'templates check with two directories',
    make: () => ({ args: ['templates', 'check', './a', './b'] }),
    says: ['one word too many', './b'],
    hint: ['oem-bake templates check DIR'],
    ...usage,
  },
  {
    title: 'templates new with variables',
    make: () => ({ args: ['templates', 'new', 'mycloud', '--set', 'a=b'] }),
    says: ['templates new', 'no variables'],
    hint: ['--set'],
    ...usage,
  },
  {
    title: 'templates new with a name that no template can have',
    make: () => ({ args: ['templates', 'new', 'My Cloud'] }),
    says: ['"My Cloud"'],
    hint: ['my-cloud'],
    ...usage,
  },
  {
    title: 'templates new where something is',
    make: (place) => {
      mkdirSync(join(place, 'mycloud'))
      return { args: ['templates', 'new', 'mycloud', join(place, 'mycloud')] }
    },
    exitCode: 8,
    code: 'ERR_OUTPUT_EXISTS',
    says: ['mycloud', 'is there already'],
    hint: ['another directory'],
  },
  {
    title: 'templates new below what is not there',
    make: (place) => ({ args: ['templates', 'new', 'mycloud', join(place, 'nowhere/mycloud')] }),
    exitCode: 7,
    code: 'ERR_NOT_FOUND',
    says: ['nowhere/mycloud', 'no such file or directory'],
    hint: ['check the directory'],
  },
  {
    title: 'templates check of a template that is broken',
    make: (place) => {
      acme(TEMPLATE.replace('files:', 'flies:'))(place)
      return { args: ['templates', 'check', join(place, 'acme')] }
    },
    exitCode: 2,
    code: 'ERR_TEMPLATE_INVALID',
    says: ['template.yml', 'flies'],
    hint: ['files'],
  },
  {
    title: 'a variable that names a file which is not there',
    make: baking('--set', 'nova_agent=/nonexistent/agent'),
    exitCode: 2,
    code: 'ERR_INPUT_FILE',
    says: ['variable nova_agent', '/nonexistent/agent'],
    hint: ['check the path'],
  },
  {
    title: 'a template that there is not',
    make: typing('--template', 'rackspcae'),
    exitCode: 2,
    code: 'ERR_TEMPLATE_UNKNOWN',
    says: ['"rackspcae"'],
    hint: ['did you mean rackspace?'],
  },
  {
    title: 'a template that is like no other',
    make: typing('--template', 'x'),
    exitCode: 2,
    code: 'ERR_TEMPLATE_UNKNOWN',
    says: ['"x"'],
    hint: ['ec2, exoscale, gce', 'oraclecloud, packet, proxmoxve'],
  },
  {
    title: 'a template whose manifest is broken',
    make: acme(TEMPLATE.replace('files:', 'flies:')),
    exitCode: 2,
    code: 'ERR_TEMPLATE_INVALID',
    says: ['template.yml', 'flies'],
    hint: ['files'],
  },
  {
    title: 'a variable that is missing',
    make: acme(TEMPLATE),
    exitCode: 2,
    code: 'ERR_VARIABLE_MISSING',
    says: ['acme', 'region', 'where the machine runs'],
    hint: ['--set region='],
  },
  {
    title: 'a variable that there is not',
    make: acme(TEMPLATE, '--set', 'regoin=eu'),
    exitCode: 2,
    code: 'ERR_VARIABLE_UNKNOWN',
    says: ['acme', '"regoin"'],
    hint: ['did you mean region?'],
  },
  {
    title: 'a variable with a value that does not fit',
    make: acme(TEMPLATE, '--set', 'region=EU 1'),
    exitCode: 2,
    code: 'ERR_VARIABLE_INVALID',
    says: ['region', '"EU 1"', '[a-z]+'],
    hint: ['where the machine runs'],
  },
  {
    title: 'a variable that would add a line',
    make: acme(TEMPLATE, '--set', 'region=eu\nruncmd: [reboot]'),
    exitCode: 2,
    code: 'ERR_VARIABLE_INVALID',
    says: ['region', 'line feed'],
    hint: ['one line'],
  },
  {
    title: 'a cloud-config that is no YAML',
    make: withFile('user.yml', '#cloud-config\nusers:\n  - name: core\n groups: [wheel\n', (path) => [
      '--cloud-config',
      path,
    ]),
    exitCode: 2,
    code: 'ERR_YAML_SYNTAX',
    says: ['user.yml, line 4, column'],
    hint: ['line 4', 'user.yml'],
  },
  {
    title: 'a cloud-config without its first line',
    make: withFile('user.yml', 'users: []\n', (path) => ['--cloud-config', path]),
    exitCode: 2,
    code: 'ERR_CLOUD_CONFIG_INVALID',
    says: ['user.yml'],
    hint: ['#cloud-config'],
  },
  {
    title: 'an Ignition config that is no JSON',
    make: withFile('user.ign', '{\n  "ignition": {"version": "2.2.0"},\n  "systemd": {,}\n}\n', (path) => [
      '--ignition',
      path,
    ]),
    exitCode: 2,
    code: 'ERR_IGNITION_INVALID',
    says: ['user.ign', 'line 3, column 15'],
    hint: ['line 3', 'user.ign'],
  },
  {
    title: "an Ignition config of a version that the image's Ignition refuses",
    make: withFile('user.ign', '{"ignition": {"version": "3.4.0"}}\n', (path) => ['--ignition', path]),
    exitCode: 2,
    code: 'ERR_IGNITION_INVALID',
    says: ['user.ign', '3.4.0', '2512.3.0'],
    hint: ['write the config for version 2'],
  },
  {
    title: 'an OEM id that the release does not know',
    make: typing('--oem-id', 'rackspcae'),
    exitCode: 2,
    code: 'ERR_OEM_ID_UNKNOWN',
    says: ['rackspcae', '2512.3.0', 'never boot'],
    hint: ['did you mean rackspace?', 'digitalocean', '--oem-id-unchecked'],
  },
  {
    title: 'an OEM id that is no word',
    make: typing('--oem-id', 'rack space'),
    exitCode: 2,
    code: 'ERR_OEM_ID_INVALID',
    says: ['rack space'],
    hint: ['letters'],
  },
  {
    title: 'files on the OEM partition that nobody knows',
    make: (place) => ({
      args: [image(place, { oemFiles: { '/agent/run.sh': '#!/bin/sh\n', '/notes.txt': 'mine\n' } }), ...RACKSPACE],
    }),
    exitCode: 8,
    code: 'ERR_OEM_UNKNOWN_FILES',
    says: ['/agent/run.sh', '/notes.txt'],
    hint: ['--existing merge', '--existing replace', '--remove PATH'],
  },
  {
    title: 'a file that the OEM partition has no room for',
    make: (place) => {
      writeFileSync(join(place, 'agent'), noise(6 << 20))
      const path = image(place, { oemFiles: { '/filler': noise(8 << 20) } })
      return { args: [path, ...RACKSPACE, '--existing', 'merge', '--file', `${join(place, 'agent')}:/agent`] }
    },
    exitCode: 8,
    code: 'ERR_OEM_FULL',
    says: ['the new files need 6', 'free'],
    hint: ['--remove', '--existing replace'],
  },
]
