/**
 * Two judges of provenance that are not ours.
 *
 * Structure: the statement and its SLSA predicate as protocol buffers, in the definitions of the Grafeas project (npm
 * google-proto-files: grafeas/v1/intoto_statement.proto), parsed by Debian's protobuf with unknown fields refused, and
 * printed again. Use: sigstore's verifier, which gets it in a DSSE envelope that a key of the test has signed.
 */
import { execFileSync } from 'node:child_process'
import { generateKeyPairSync, sign } from 'node:crypto'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { bundleFromJSON } from '@sigstore/bundle'
import { toSignedEntity, Verifier } from '@sigstore/verify'

const PROTOS = dirname(createRequire(import.meta.url).resolve('google-proto-files/package.json'))
const PAYLOAD_TYPE = 'application/vnd.in-toto+json'

const PROGRAM = `
import json, sys
from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory
files = descriptor_pb2.FileDescriptorSet.FromString(open(sys.argv[1], 'rb').read())
pool = descriptor_pool.DescriptorPool()
for file in files.file:
    pool.Add(file)
message = message_factory.MessageFactory(pool).GetPrototype(
    pool.FindMessageTypeByName('grafeas.v1.InTotoSlsaProvenanceV1'))()
json_format.Parse(sys.stdin.read(), message, ignore_unknown_fields=False, descriptor_pool=pool)
print(json.dumps(json_format.MessageToDict(message, descriptor_pool=pool)))
`

/** The statement as protobuf understood it. @throws Error with what it has against it */
export function parseByProtobuf(statement: string, workDirectory: string): unknown {
  const descriptors = join(workDirectory, 'intoto.descriptors')
  const file = 'grafeas/v1/intoto_statement.proto'
  execFileSync('protoc', [`-I${PROTOS}`, '--include_imports', `--descriptor_set_out=${descriptors}`, file])
  const env = { ...process.env, PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION: 'python' }
  return JSON.parse(
    execFileSync('/usr/bin/python3', ['-c', PROGRAM, descriptors], {
      input: statement,
      encoding: 'utf8',
      env,
      stdio: ['pipe', 'pipe', 'pipe'],
    }),
  )
}

/** Signs the statement as in-toto's envelopes are signed, changes the bundle perhaps, and has sigstore verify it. */
export function verifyBySigstore(statement: string, tamper: (payload: string) => string = (payload) => payload): void {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const payload = Buffer.from(statement)
  // Pre-authentication encoding (DSSE protocol, version 1).
  const encoded = Buffer.concat([
    Buffer.from(`DSSEv1 ${PAYLOAD_TYPE.length} ${PAYLOAD_TYPE} ${payload.length} `),
    payload,
  ])
  const bundle = bundleFromJSON({
    mediaType: 'application/vnd.dev.sigstore.bundle.v0.3+json',
    verificationMaterial: { publicKey: { hint: 'test' }, tlogEntries: [], timestampVerificationData: undefined },
    dsseEnvelope: {
      payload: Buffer.from(tamper(statement)).toString('base64'),
      payloadType: PAYLOAD_TYPE,
      signatures: [{ sig: sign('sha256', encoded, privateKey).toString('base64'), keyid: '' }],
    },
  })
  const trust = {
    certificateAuthorities: [],
    timestampAuthorities: [],
    tlogs: [],
    ctlogs: [],
    publicKey: () => ({ publicKey, validFor: () => true }),
  }
  const verifier = new Verifier(trust, { tlogThreshold: 0, ctlogThreshold: 0, timestampThreshold: 0 })
  verifier.verify(toSignedEntity(bundle))
}
