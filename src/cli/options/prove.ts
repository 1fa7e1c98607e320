/** Flags of `prove`. */
import type { Options } from 'yargs'
import { IMAGE_OPTIONS } from './image.js'
import { TRUST_OPTIONS } from './trust.js'

const IMAGES = 'How the images are opened:'

export const PROVE_OPTIONS = {
  engine: { ...IMAGE_OPTIONS.engine, group: IMAGES, describe: 'What reads the filesystems' },
  'max-size': { ...IMAGE_OPTIONS['max-size'], group: IMAGES },
  'tmp-dir': { ...IMAGE_OPTIONS['tmp-dir'], group: IMAGES },
  ...TRUST_OPTIONS,
} satisfies Record<string, Options>
