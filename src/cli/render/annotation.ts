/**
 * Errors and warnings as GitHub Actions shows them beside a change: workflow commands, one line each on standard error,
 * after the words that are there everywhere.
 *
 * Source: GitHub's documentation, "Workflow commands for GitHub Actions", and actions/runner `src/Runner.Common/
 * ActionCommand.cs` for what is escaped where. Ten of a kind are shown for a step; so no more are written of one error.
 */

import { existsSync } from 'node:fs'
import { relative, resolve } from 'node:path'
import type { OemBakeError } from '../../errors.js'
import { given } from '../../given.js'
import type { Finding, Place } from '../../oem/finding.js'
import { findingsIn } from '../../oem/judge.js'
import type { ProgressEvent } from '../../progress.js'
import type { Gravity } from './label.js'
import { visible } from './table.js'

/** Something that a person should see who looks at no output. */
export interface Complaint {
  readonly gravity: Gravity
  /** What it is called: an error's code, or the rule that found it. */
  readonly title: string
  readonly message: string
  readonly hint?: string | undefined
  readonly place?: Place | undefined
}

const SHOWN_MAX = 10

/** Of one of several things that were done. @param about its name */
export function complaintsAbout(about: string, error: OemBakeError): readonly Complaint[] {
  return complaintsOf(error).map((complaint) => ({ ...complaint, message: `${about}: ${complaint.message}` }))
}

/** What stops a bake was found by rules, each in a place of its own; anything else is one complaint. */
export function complaintsOf(error: OemBakeError): readonly Complaint[] {
  const found = findingsIn(error)
  if (found.length === 0) {
    const { code, hint, message } = error
    return [{ gravity: 'error', title: code, message, hint, place: placeOf(error) }]
  }
  // Warnings, too, with --strict: they count as errors then.
  return found.map((finding) => ({ ...complaintOfFinding(finding), gravity: 'error' }))
}

/** What is wrong with the syntax of a file, or with a job of a batch, says its place in the details. */
function placeOf({ details: { column, file, line } }: OemBakeError): Place | undefined {
  if (typeof file !== 'string' || typeof line !== 'number') return undefined
  return given({ file, line, column: typeof column === 'number' ? column : undefined })
}

export function complaintOfWarning({
  code,
  hint,
  message,
  place,
}: Extract<ProgressEvent, { readonly kind: 'warning' }>): Complaint {
  return { gravity: 'warning', title: code, message, hint, place }
}

/** Of a finding that is no note. */
export function complaintOfFinding({ hint, message, place, rule, severity }: Finding): Complaint {
  return { gravity: severity === 'error' ? 'error' : 'warning', title: rule, message, hint, place }
}

export type Annotate = (complaints: readonly Complaint[]) => string

/** @returns undefined where nobody reads annotations; else what writes them, a line each */
export function annotatorFor(env: Readonly<Record<string, string | undefined>>): Annotate | undefined {
  if (env.GITHUB_ACTIONS !== 'true') return undefined
  const workspace = env.GITHUB_WORKSPACE ?? process.cwd()
  return (complaints) =>
    complaints
      .slice(0, SHOWN_MAX)
      .map((complaint) => `${formatAnnotation(complaint, workspace)}\n`)
      .join('')
}

/** `::error title=ERR_USAGE,file=cloud.yml,line=3,col=5::message` */
export function formatAnnotation({ gravity, hint, message, place, title }: Complaint, workspace: string): string {
  const properties = { title, ...(place === undefined ? {} : locationIn(workspace, place)) }
  const words = Object.entries(properties).map(([name, value]) => `${name}=${escapeProperty(String(value))}`)
  const text = hint === undefined ? message : `${message}\n${hint.replace(/^/gm, 'hint: ')}`
  return `::${gravity} ${words.join(',')}::${escapeData(text)}`
}

/** Only files of the checkout can be annotated: no file of the OEM partition, no template's of ours. */
function locationIn(workspace: string, { column, file, line }: Place): Readonly<Record<string, string | number>> {
  const path = resolve(file)
  const name = relative(workspace, path)
  if (name === '' || /^\.\.(?:\/|$)/.test(name) || !existsSync(path)) return {}
  return given({ file: name, line, col: column })
}

/** A command is a line: of control characters only line feeds are left, and those are written as the runner reads them. */
function escapeData(text: string): string {
  return visible(text).replaceAll('%', '%25').replaceAll('\n', '%0A')
}

function escapeProperty(text: string): string {
  return escapeData(text).replaceAll(':', '%3A').replaceAll(',', '%2C')
}
