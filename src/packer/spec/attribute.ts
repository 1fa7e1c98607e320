/**
 * Types of a plugin's options, as HCL2 knows them (zclconf/go-cty): all that a flat block of options needs.
 */
export type PrimitiveType = 'string' | 'bool' | 'number'
export type AttributeType = PrimitiveType | { readonly list: PrimitiveType } | { readonly map: PrimitiveType }

export interface Attribute {
  readonly type: AttributeType
  readonly required?: boolean
}

/** By name. */
export type Spec = Readonly<Record<string, Attribute>>
