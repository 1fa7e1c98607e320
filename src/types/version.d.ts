/** Version of the package; put in by esbuild, where the plugin becomes a file of its own (`scripts/packer-bundle.js`). */
declare const OEM_BAKE_VERSION: string
