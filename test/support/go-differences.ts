/** Where we and go-yaml differ about a cloud-config: whether its values fit, and what its units are. */
import { isDeepStrictEqual } from 'node:util'
import { parseCloudConfig } from '#src/oem/cloud-config/cloud-config.js'
import { CLOUD_CONFIG } from '#src/oem/cloud-config/keys.js'
import { type CloudConfigUnit, cloudConfigUnits } from '#src/oem/cloud-config/read-units.js'
import { type GoReading, readWithGo } from './go-yaml.js'

export interface Difference {
  readonly document: string
  readonly what: string
  readonly ours: unknown
  readonly go: unknown
}

export async function differencesWithGo(documents: readonly string[]): Promise<readonly Difference[]> {
  const readings = await readWithGo(CLOUD_CONFIG, documents)
  return documents.flatMap((document, index) => {
    const reading = readings[index]
    if (reading === undefined) throw new Error('go-yaml says nothing')
    return differences(document, reading)
  })
}

function differences(document: string, { v2, v3 }: GoReading): readonly Difference[] {
  const ours = parseCloudConfig(Buffer.from(document), 'c.yml')
  if (ours.kind !== 'cloud-config') throw new Error(ours.kind)
  const found: Difference[] = []
  const compare = (what: string, mine: unknown, go: unknown) => {
    if (!isDeepStrictEqual(mine, go)) found.push({ document, what, ours: mine, go })
  }
  compare('old', ours.mismatches.some(({ takenBy }) => !takenBy.old) ? 'type' : 'taken', v2.verdict)
  compare('new', ours.mismatches.some(({ takenBy }) => !takenBy.new) ? 'type' : 'taken', v3.verdict)
  if (v3.verdict === 'taken') compare('units', cloudConfigUnits(ours.root), unitsOf(v3.value))
  return found
}

interface GoUnit extends Omit<CloudConfigUnit, 'dropIns'> {
  readonly drop_ins: readonly { readonly name: string; readonly content: string }[] | null
}

/** Those that coreos-cloudinit would not skip, in our shape. */
function unitsOf(value: unknown): readonly CloudConfigUnit[] {
  const { coreos } = value as { coreos: { units: readonly GoUnit[] | null } }
  return (coreos.units ?? [])
    .filter(({ name }) => name !== '')
    .map(({ command, content, drop_ins, enable, mask, name, runtime }) => ({
      name,
      command: command || undefined,
      enable,
      mask,
      runtime,
      content: content || undefined,
      dropIns: (drop_ins ?? []).filter((dropIn) => dropIn.name !== '' && dropIn.content !== ''),
    }))
}
