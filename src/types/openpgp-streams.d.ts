/**
 * Types that the openpgp package's own refer to, from an optional package of its makers that wants all of the DOM's types. Streams are
 * never handed to it here: see `trust/openpgp/verify-signature.ts`.
 */
declare module '@openpgp/web-stream-tools' {
  export type WebStream<T> = AsyncIterable<T>
  export type NodeWebStream<T> = AsyncIterable<T>
}
