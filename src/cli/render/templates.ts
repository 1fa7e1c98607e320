/**
 * Templates as text: the list, one of them, what checks find in one, and where a new one lies.
 */
import type { TemplateExamination, TemplateTrial } from '../../oem/examine-template.js'
import type { Finding } from '../../oem/finding.js'
import type { NewTemplate } from '../../oem/template/new-template.js'
import type { TemplateList } from '../../oem/template/template.js'
import type { VariableDeclaration } from '../../oem/template/variables.js'
import { printable, table, visible } from './table.js'
import { distrosWords, gravity, releaseRuns, userDataWords, withoutRelease } from './template-documents.js'
import { labelled, wrapped } from './wrap.js'

const COLUMNS = 96
const WIDTH = 14

export function listText({ templates, broken }: TemplateList): string {
  const rows = templates.map(({ name, aliases, origin, manifest }) => [
    printable([name, ...aliases].join(', ')),
    printable(manifest.title),
    distrosWords(manifest),
    origin === 'built-in' ? '' : printable(origin),
  ])
  return [
    ...table(rows, ['left', 'left', 'left', 'left'], ''),
    ...broken.flatMap(({ message, name, origin }) => [
      '',
      `${printable(name)} in ${printable(origin)} is no template:`,
      visible(`  ${message}`),
    ]),
    '',
    'oem-bake templates show NAME says what one does',
    '',
  ].join('\n')
}

export function showText(examination: TemplateExamination): string {
  const { template } = examination
  const runs = releaseRuns(examination, ({ files, fault, userData }) => [files, fault, userData?.how])
  return [
    `template    ${printable(template.name)}: ${printable(template.title)}`,
    `homepage    ${printable(template.homepage ?? 'not said')}`,
    `oem_id      ${printable(template.oemId ?? 'not set')}`,
    `releases    ${distrosWords(template)}`,
    '',
    ...wrapped(visible(template.description.trim()).replaceAll('\n', ' '), COLUMNS),
    '',
    'Variables',
    ...template.variables.flatMap(variableText),
    '',
    'Files, and how user data gets to the machine',
    ...runs.flatMap(({ releases, trial }) => [
      `  ${releases}`,
      ...row('files', trial.fault === undefined ? trial.files.join(' ') : trial.fault.message),
      ...(trial.userData === undefined ? [] : row('user data', userDataWords(trial.userData))),
    ]),
    '',
  ].join('\n')
}

export function checkText(examination: TemplateExamination): string {
  const { template, trials } = examination
  const runs = releaseRuns(examination, (trial) => [
    trial.files,
    trial.fault,
    trial.findings.map((finding) => [finding.rule, finding.severity, withoutRelease(finding, trial)]),
    trial.userData?.how,
  ])
  const counted = new Set(
    trials.flatMap((trial) => trial.findings.map((finding) => `${finding.severity} ${finding.rule}`)),
  )
  const count = (severity: string): number => [...counted].filter((key) => key.startsWith(`${severity} `)).length
  const verdict = {
    error: 'a bake would be refused',
    warning: 'a bake would go on, with warnings',
    note: 'nothing that could hurt',
  }
  const gravest = gravity(examination) ?? 'note'
  return [
    `template    ${printable(template.name)}: ${printable(template.title)}`,
    `releases    ${distrosWords(template)}`,
    '',
    ...runs.flatMap(({ releases, trial }) => [
      releases,
      ...row('files', trial.files.length === 0 ? 'none' : trial.files.join(' ')),
      ...row('user data', userDataWords(trial.userData)),
      ...(trial.fault === undefined
        ? []
        : [...row('error', trial.fault.message), ...(trial.fault.hint === undefined ? [] : row('', trial.fault.hint))]),
      ...trial.findings.flatMap((finding) => findingText(finding, trial)),
    ]),
    '',
    `${trials.length} releases tried, one between any two at which something changes: ${verdict[gravest]}`,
    `${count('error')} rules found errors, ${count('warning')} warnings, ${count('note')} notes`,
    '',
  ].join('\n')
}

export function newText({ directory, files, name }: NewTemplate): string {
  const path = /^[./]/.test(directory) ? directory : `./${directory}`
  return [
    `${printable(path)} is there: ${files.length} files`,
    '',
    `1. edit ${printable(path)}/template.yml: its title, its homepage, and how user data gets to the machine`,
    `2. oem-bake templates check ${printable(path)}`,
    `3. oem-bake IMAGE --template ${printable(path)}`,
    ...(name === directory || path.endsWith(`/${name}`)
      ? []
      : [`   (an image made with it is called after ${printable(name)})`]),
    '',
  ].join('\n')
}

function findingText(finding: Finding, trial: TemplateTrial): readonly string[] {
  return [
    ...row(finding.severity, `${withoutRelease(finding, trial)} [${finding.rule}]`),
    ...(finding.hint === undefined ? [] : row('', finding.hint)),
  ]
}

function variableText({ default: fallback, description, name, secret, type }: VariableDeclaration): readonly string[] {
  const without =
    fallback === undefined ? (type === 'file' ? 'left out' : 'none') : fallback === '' ? 'empty' : String(fallback)
  return row(
    name,
    `${description} (${type}${secret ? ', secret' : ''}; default: ${without})`,
    Math.max(WIDTH, name.length + 4),
  )
}

function row(label: string, text: string, width = WIDTH): readonly string[] {
  return labelled(label, [visible(text).replaceAll('\n', ' ')], width)
}
