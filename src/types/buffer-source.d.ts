/** A browsers' name that the types of @msgpack/msgpack use, and Node.js's do not have. */
type BufferSource = ArrayBufferView | ArrayBuffer
