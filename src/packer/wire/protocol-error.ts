/** What Packer sent is not what its protocol allows. Ends the connection; a person meets it in PACKER_LOG only. */
export class ProtocolError extends Error {}
