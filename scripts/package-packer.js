/**
 * `npm run package:packer`: the plugin under the names that Packer looks for, into build/packer/.
 *
 *   1.6/packer-post-processor-oem-bake                       for PACKER_PLUGIN_PATH of Packer 1.6
 *   plugin/packer-plugin-oem-bake_vVERSION_x5.0_OS_ARCH      for `packer plugins install --path` from 1.11 on
 *   plugin/…_SHA256SUM                                       its digest, bare, as the installed tree has it
 *
 * Two folders, because a Packer 1.6 that finds a `packer-plugin-*` beside takes it for one of its own. The file is the
 * same on every system that has Node.js; the names are not.
 */
import { createHash } from 'node:crypto'
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { bundlePackerPlugin, VERSION } from './packer-bundle.js'

const OUT = join(import.meta.dirname, '..', 'build', 'packer')
const API = 'x5.0'
const PLATFORMS = ['linux_amd64', 'linux_arm64', 'darwin_amd64', 'darwin_arm64']

rmSync(OUT, { recursive: true, force: true })
for (const folder of ['1.6', 'plugin']) mkdirSync(join(OUT, folder), { recursive: true })
const single = join(OUT, '1.6', 'packer-post-processor-oem-bake')
await bundlePackerPlugin(single)
const digest = createHash('sha256').update(readFileSync(single)).digest('hex')
for (const platform of PLATFORMS) {
  const path = join(OUT, 'plugin', `packer-plugin-oem-bake_v${VERSION}_${API}_${platform}`)
  copyFileSync(single, path)
  writeFileSync(`${path}_SHA256SUM`, digest)
}
console.log(OUT)
