/** A binary OpenPGP file taken apart, to put together others from its packets. RFC 9580 section 4.2, both header formats. */
export function splitPackets(bytes: Buffer): Buffer[] {
  const packets: Buffer[] = []
  for (let at = 0; at < bytes.length; ) {
    const tag = bytes.readUInt8(at)
    const first = bytes.readUInt8(at + 1)
    const old = (tag & 0x40) === 0
    const width = old ? 1 << (tag & 3) : first < 192 ? 1 : first < 224 ? 2 : 5
    const length = old
      ? bytes.readUIntBE(at + 1, width)
      : width === 1
        ? first
        : width === 2
          ? ((first - 192) << 8) + bytes.readUInt8(at + 2) + 192
          : bytes.readUInt32BE(at + 2)
    const end = at + 1 + width + length
    packets.push(bytes.subarray(at, end))
    at = end
  }
  return packets
}

/** A signature packet of version 4, with an old header of 3 bytes, that has lost all that is not hashed. RFC 9580 section 5.2.3. */
export function withoutUnhashed(packet: Buffer): Buffer {
  const body = packet.subarray(3)
  const hashedEnd = 6 + body.readUInt16BE(4)
  const unhashedEnd = hashedEnd + 2 + body.readUInt16BE(hashedEnd)
  const left = Buffer.concat([body.subarray(0, hashedEnd), Buffer.alloc(2), body.subarray(unhashedEnd)])
  const header = Buffer.from(packet.subarray(0, 3))
  header.writeUInt16BE(left.length, 1)
  return Buffer.concat([header, left])
}
