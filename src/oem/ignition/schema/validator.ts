/**
 * The validators that the build makes of the JSON Schemas (`scripts/compile-schemas.js`), loaded when there is a config to
 * check, and only the one of its version.
 */
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { installedFile } from '../../../installation.js'

/** What ajv says of a value: where, and which word of the schema it breaks. */
export interface SchemaError {
  /** A JSON pointer. */
  readonly instancePath: string
  readonly keyword: string
  readonly params: Readonly<Record<string, unknown>>
}

interface Validator {
  (value: unknown): boolean
  readonly errors?: readonly SchemaError[] | null
}

/** @param spec one that has a schema */
export function schemaErrors(value: unknown, spec: string): readonly SchemaError[] {
  const load = createRequire(import.meta.url)
  const validate: Validator = load(fileURLToPath(installedFile(`oem/ignition/schema/spec-${spec}.cjs`)))
  return validate(value) ? [] : (validate.errors ?? [])
}

/** `/storage/files/0` as `['storage', 'files', 0]`: digits are indices, because no field has a name of digits. */
export function pointerPath(pointer: string): readonly (string | number)[] {
  return pointer
    .split('/')
    .slice(1)
    .map((part) => (/^\d+$/.test(part) ? Number(part) : part.replaceAll('~1', '/').replaceAll('~0', '~')))
}
