/**
 * Optional fields: what nobody gave is not there at all, rather than there and undefined.
 *
 * Requests and documents are compared, hashed and written as JSON, so it makes a difference.
 */
type Given<Fields> = {
  [Name in keyof Fields as undefined extends Fields[Name] ? never : Name]: Fields[Name]
} & {
  [Name in keyof Fields as undefined extends Fields[Name] ? Name : never]?: Exclude<Fields[Name], undefined>
}

/** The fields that have a value. */
export function given<const Fields extends object>(fields: Fields): Given<Fields> {
  // Object.fromEntries knows no names of fields.
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Given<Fields>
}
