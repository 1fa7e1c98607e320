#!/usr/bin/env node
/** Where the plugin begins: `packer-post-processor-oem-bake` of the npm package, and the single file of `npm run package:packer`. */
import { startPlugin } from './plugin.js'

const [, self = '', ...words] = process.argv
const exitCode = startPlugin({ words, env: process.env, self, version: OEM_BAKE_VERSION })
if (exitCode !== undefined) process.exitCode = exitCode
