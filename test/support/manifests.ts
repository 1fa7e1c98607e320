/** The published form of a manifest, and the two validators that hold manifests against it. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Ajv2020 } from 'ajv/dist/2020.js'
import type { Manifest } from '#src/publish/manifest.js'

export const SCHEMA = fileURLToPath(new URL('../../schema/manifest.schema.json', import.meta.url))

const ajv = new Ajv2020({ allErrors: true, strict: true, strictRequired: false, strictTypes: false })
const validate = ajv.compile<Manifest>(JSON.parse(readFileSync(SCHEMA, 'utf8')))

/** What ajv has against a manifest. */
export function faultsOfManifest(document: unknown): readonly string[] {
  if (validate(document)) return []
  return (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message ?? ''}`)
}

/** A manifest that has been held against the schema. */
export function readManifest(path: string): Manifest {
  const document: unknown = JSON.parse(readFileSync(path, 'utf8'))
  if (validate(document)) return document
  throw new Error(`${path} is no manifest: ${faultsOfManifest(document).join('; ')}`)
}

/** Debian's python3-jsonschema, which shares no code with ajv: what it has against each of several manifests. */
export function faultsByPython(documents: readonly unknown[]): readonly (readonly string[])[] {
  const program = `
import json, sys
from jsonschema import Draft202012Validator
schema = json.load(open(sys.argv[1]))
Draft202012Validator.check_schema(schema)
validator = Draft202012Validator(schema)
json.dump([[error.message for error in validator.iter_errors(document)] for document in json.load(sys.stdin)], sys.stdout)
`
  const output = execFileSync('/usr/bin/python3', ['-c', program, SCHEMA], { input: JSON.stringify(documents) })
  return JSON.parse(output.toString()) as string[][]
}
