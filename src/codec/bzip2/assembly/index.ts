/**
 * What block-decoder.ts and block-encoder.ts call. Everything else of the module is inside.
 *
 * `@ts-ignore` above `@inline`: AssemblyScript decorates functions, which TypeScript, that checks the same files for the
 * editor, knows of classes only. The calls are inlined because they are made for each byte or bit.
 */
import { INPUT, INPUT_BYTES, INTAKE, INTAKE_BYTES, OUTPUT, OUTPUT_BYTES, TEXT } from './memory-map'

// ---- Decoder.
export { columnLength as textLength } from './block-data'
export { storedBlockCrc as blockCrc } from './block-header'
export { decodeBlock, lastBit, startDecoder } from './decoder'
export { measuredLength as rawLength } from './run-lengths'

export function inputAddress(): u32 {
  return INPUT
}
export function inputBytes(): u32 {
  return INPUT_BYTES
}
export function textAddress(): u32 {
  return TEXT
}

// ---- Encoder.
export { outputBits } from './bit-writer'
export { encodeBlock, encodedTextLength, startEncoder } from './encoder'
export { beginBlock, takeBytes, takenCrc } from './intake'

export function intakeAddress(): u32 {
  return INTAKE
}
export function intakeBytes(): u32 {
  return INTAKE_BYTES
}
export function outputAddress(): u32 {
  return OUTPUT
}
export function outputBytes(): u32 {
  return OUTPUT_BYTES
}
