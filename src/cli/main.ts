/**
 * The command line. yargs stays in this folder; everything a command does is a call of the library's own pipeline.
 */
import yargs, { type Argv } from 'yargs'
import { UsageError } from '../errors.js'
import { nearestName } from '../oem/nearest.js'
import { ownVersion } from '../version.js'
import { bake } from './commands/bake.js'
import { explain } from './commands/explain.js'
import { inspect } from './commands/inspect.js'
import { keys } from './commands/keys.js'
import { plan } from './commands/plan.js'
import { rules } from './commands/rules.js'
import { templates } from './commands/templates.js'
import { verify } from './commands/verify.js'
import { endEarlyThreads } from './early.js'
import { BATCH_OPTIONS, EDITION_OPTIONS } from './edition-options.js'
import {
  assertGivenOnce,
  assertKnownFlags,
  CONTENT_OPTIONS,
  FETCH_OPTIONS,
  IMAGE_OPTIONS,
  OUTPUT_OPTIONS,
  PROVE_OPTIONS,
  TALK_OPTIONS,
  type TalkFlags,
  TRUST_OPTIONS,
  UNBAKE_OPTIONS,
  VARIABLE_OPTIONS,
} from './options.js'
import { json, print, printError, runCommandLine } from './run.js'

const HELP_COLUMNS = 80

const USAGE = `Bakes a provider's edition of a Container Linux or Flatcar image.

Usage: oem-bake [bake] IMAGE --template NAME [flags]
       oem-bake batch FILE [flags]
       oem-bake plan IMAGE --template NAME [flags]
       oem-bake explain IMAGE [flags]
       oem-bake unbake IMAGE --original ORIGINAL [flags]
       oem-bake inspect IMAGE [flags]
       oem-bake verify FILE [flags]
       oem-bake fetch [URL] [--distro NAME --platform NAME] [flags]
       oem-bake keys [list | add FILE | doctor]
       oem-bake prove ORIGINAL BAKED [flags]
       oem-bake templates [show NAME | check DIR | new NAME [DIR]]
       oem-bake rules [NAME]
       oem-bake completion bash | zsh | fish`

const withImage = <T>(parser: Argv<T>) =>
  parser.positional('image', { type: 'string', describe: 'Image: .img.bz2, .bin.bz2, raw or qcow2' })

/** What the user typed, for messages that yargs would word less well. */
interface Typed {
  readonly words: readonly string[]
}

/** A bake may make several editions. */
const BAKE_OPTIONS = { ...CONTENT_OPTIONS, ...EDITION_OPTIONS }

/** What `keys` takes of them. */
const KEY_OPTIONS = { key: TRUST_OPTIONS.key }

const VERBS = [
  'bake',
  'plan',
  'explain',
  'inspect',
  'unbake',
  'verify',
  'prove',
  'fetch',
  'batch',
  'keys',
  'templates',
  'rules',
  'completion',
] as const

/** Where it is not one. */
const WORDS_AFTER: Readonly<Partial<Record<string, number>>> = { prove: 2 }

/**
 * Refuses unknown flags and left-over words; yargs's own `strict` can't name the nearest flag.
 *
 * @param image what was taken for the image: with another word after it, it may be a verb with a typo
 * @throws ERR_USAGE
 */
function assertUnderstood(
  { words }: Typed,
  image: string | undefined,
  leftOver: readonly (string | number)[],
  ...sets: readonly Readonly<Record<string, object>>[]
): void {
  const known = sets.flatMap((set) =>
    Object.entries(set).flatMap(([name, option]) =>
      'alias' in option && typeof option.alias === 'string' ? [name, option.alias] : [name],
    ),
  )
  const flags = words.slice(0, words.includes('--') ? words.indexOf('--') : words.length)
  const names = flags.flatMap((word) => /^--(?:no-)?([^=]+)/.exec(word)?.[1] ?? /^-([A-Za-z])/.exec(word)?.[1] ?? [])
  assertKnownFlags(names, [...known, 'help', 'h', 'version'])
  for (const set of sets) assertGivenOnce(names, set)
  if (leftOver.length === 0) return
  const verb = image === undefined ? undefined : nearestName(image, VERBS)
  if (verb !== undefined && leftOver.length <= (WORDS_AFTER[verb] ?? 1)) {
    throw new UsageError('ERR_USAGE', `unknown command ${image}`, { hint: `did you mean oem-bake ${verb}?` })
  }
  throw new UsageError('ERR_USAGE', `one word too many: ${leftOver.join(' ')}`, {
    hint:
      image === undefined
        ? 'see oem-bake --help'
        : 'oem-bake takes one image; put quotes around a path that holds spaces',
  })
}

/** How to talk about words that were not understood. */
function talkFlagsIn(words: readonly string[]): Pick<TalkFlags, 'json' | 'progress'> {
  const wantsEvents = words.some((word, index) =>
    word === 'json' ? words[index - 1] === '--progress' : word === '--progress=json',
  )
  return { json: words.includes('--json'), progress: wantsEvents ? 'json' : 'auto' }
}

async function main(words: readonly string[]): Promise<number> {
  const typed: Typed = { words }
  let exitCode = 0
  const parser = yargs([...words])
    .scriptName('oem-bake')
    .locale('en')
    .usage(USAGE)
    .command(
      ['$0 [image]', 'bake [image]'],
      'Bake an edition and write it beside the image',
      (y) => withImage(y).options(BAKE_OPTIONS).options(OUTPUT_OPTIONS).options(IMAGE_OPTIONS).options(TALK_OPTIONS),
      async (flags) => {
        const leftOver = flags._.slice(flags._[0] === 'bake' ? 1 : 0)
        const sets = [BAKE_OPTIONS, OUTPUT_OPTIONS, IMAGE_OPTIONS, TALK_OPTIONS]
        assertUnderstood(typed, flags.image, leftOver, ...sets)
        exitCode = await runCommandLine(flags, (context) => bake(flags, context))
      },
    )
    .command(
      'batch [file]',
      'Bake all jobs of a file: images and templates',
      (y) =>
        y
          .positional('file', { type: 'string', describe: 'YAML or JSON: a list of jobs' })
          .options(BATCH_OPTIONS)
          .options(TALK_OPTIONS),
      async (flags) => {
        assertUnderstood(typed, undefined, flags._.slice(1), BATCH_OPTIONS, TALK_OPTIONS)
        const { batch } = await import('./commands/batch.js')
        exitCode = await runCommandLine(flags, (context) => batch(flags, context))
      },
    )
    .command(
      'plan [image]',
      'Print what a bake would change, and change nothing',
      (y) => withImage(y).options(CONTENT_OPTIONS).options(IMAGE_OPTIONS).options(TALK_OPTIONS),
      async (flags) => {
        assertUnderstood(typed, flags.image, flags._.slice(1), CONTENT_OPTIONS, IMAGE_OPTIONS, TALK_OPTIONS)
        exitCode = await runCommandLine(flags, (context) => plan(flags, context))
      },
    )
    .command(
      'explain [image]',
      'Print what a machine will do at boot, and why',
      (y) => withImage(y).options(CONTENT_OPTIONS).options(IMAGE_OPTIONS).options(TALK_OPTIONS),
      async (flags) => {
        assertUnderstood(typed, flags.image, flags._.slice(1), CONTENT_OPTIONS, IMAGE_OPTIONS, TALK_OPTIONS)
        exitCode = await runCommandLine(flags, (context) => explain(flags, context))
      },
    )
    .command(
      'unbake [image]',
      'Take bakes back: make the OEM partition what it was before',
      (y) => withImage(y).options(UNBAKE_OPTIONS).options(OUTPUT_OPTIONS).options(IMAGE_OPTIONS).options(TALK_OPTIONS),
      async (flags) => {
        const sets = [UNBAKE_OPTIONS, OUTPUT_OPTIONS, IMAGE_OPTIONS, TALK_OPTIONS]
        assertUnderstood(typed, flags.image, flags._.slice(1), ...sets)
        const { unbake } = await import('./commands/unbake.js')
        exitCode = await runCommandLine(flags, (context) => unbake(flags, context))
      },
    )
    .command(
      'inspect [image]',
      'Print what an image is and what its OEM partition holds',
      (y) => withImage(y).options(IMAGE_OPTIONS).options(TALK_OPTIONS),
      async (flags) => {
        assertUnderstood(typed, flags.image, flags._.slice(1), IMAGE_OPTIONS, TALK_OPTIONS)
        exitCode = await runCommandLine(flags, (context) => inspect(flags, context))
      },
    )
    .command(
      'fetch [url]',
      'Download an image of a release, and verify it',
      (y) =>
        y
          // Here it is the release's; the program's own is asked for without a verb.
          .version(false)
          .positional('url', { type: 'string', describe: 'Of an image, instead of the flags that name one' })
          .options(FETCH_OPTIONS)
          .options(TALK_OPTIONS),
      async (flags) => {
        assertUnderstood(typed, undefined, flags._.slice(1), FETCH_OPTIONS, TALK_OPTIONS)
        // The HTTP client is much to load for every other verb.
        const { fetch } = await import('./commands/fetch.js')
        exitCode = await runCommandLine(flags, (context) => fetch(flags, typed.words, context))
      },
    )
    .command(
      'verify [image]',
      'Print who vouches for a file; fail if nobody does',
      (y) =>
        y.positional('image', { type: 'string', describe: 'Any file' }).options(TRUST_OPTIONS).options(TALK_OPTIONS),
      async (flags) => {
        assertUnderstood(typed, flags.image, flags._.slice(1), TRUST_OPTIONS, TALK_OPTIONS)
        exitCode = await runCommandLine(flags, (context) => verify(flags, context))
      },
    )
    .command(
      'keys [action] [file]',
      'List keys that signatures are checked with, add one, examine them',
      (y) =>
        y
          .positional('action', { type: 'string', describe: 'list, add or doctor' })
          .positional('file', { type: 'string', describe: 'File of keys to add' })
          .options(KEY_OPTIONS)
          .options(TALK_OPTIONS),
      async (flags) => {
        assertUnderstood(typed, undefined, flags._.slice(1), KEY_OPTIONS, TALK_OPTIONS)
        exitCode = await runCommandLine(flags, (context) => keys(flags, context))
      },
    )
    .command(
      'prove [original] [baked]',
      'Show that nothing but the OEM partition differs',
      (y) =>
        y
          .positional('original', { type: 'string', describe: 'The image as it was published' })
          .positional('baked', { type: 'string', describe: 'What somebody made of it' })
          .options(PROVE_OPTIONS)
          .options(TALK_OPTIONS),
      async (flags) => {
        assertUnderstood(typed, undefined, flags._.slice(1), PROVE_OPTIONS, TALK_OPTIONS)
        // Loaded only here: a bake proves nothing.
        const { prove } = await import('./commands/prove.js')
        exitCode = await runCommandLine(flags, (context) => prove(flags, context))
      },
    )
    .command(
      'templates [action] [name] [directory]',
      'List templates, show or check one, start a new one',
      (y) =>
        y
          .positional('action', { type: 'string', describe: 'list, show, check or new' })
          .positional('name', { type: 'string', describe: 'A template, or the path of its directory' })
          .positional('directory', { type: 'string', describe: 'Where a new one goes' })
          .options(VARIABLE_OPTIONS)
          .options(TALK_OPTIONS),
      async (flags) => {
        assertUnderstood(typed, undefined, flags._.slice(1), VARIABLE_OPTIONS, TALK_OPTIONS)
        exitCode = await runCommandLine(flags, (context) => templates(flags, context))
      },
    )
    .command(
      'rules [name]',
      'List what the checks look for, or explain one rule',
      (y) =>
        y
          .positional('name', { type: 'string', describe: 'A rule, as in brackets behind a finding' })
          .options({ json: TALK_OPTIONS.json }),
      async (flags) => {
        assertUnderstood(typed, undefined, flags._.slice(1), { json: TALK_OPTIONS.json })
        const { document, text } = rules(flags)
        await print(flags.json === true ? json(document) : text)
      },
    )
    .command(
      'completion [shell]',
      'Print a completion script for a shell',
      (y) => y.positional('shell', { type: 'string', describe: 'bash, zsh or fish' }),
      async (flags) => {
        assertUnderstood(typed, undefined, flags._.slice(1))
        const { completion } = await import('./commands/completion.js')
        await print((await completion(flags, { env: process.env })).text)
      },
    )
    .example('$0 image.img.bz2 --template rackspace', 'Writes image.rackspace.img.bz2')
    .example('$0 plan image.img.bz2 -t ec2', 'Says first what that would change')
    .example('$0 image.bin -t ./my-cloud --set region=eu', 'A template of your own')
    .epilogue(
      'Exit codes: 0 done, 1 defect of ours, 2 usage, 3 verification, 4 image, 5 missing or unsupported, 6 engine, 7 machine, 8 refused, 9 check after the bake, 129, 130 and 143 signals. Each is explained in the README.',
    )
    .help()
    .alias('help', 'h')
    .version(ownVersion())
    .wrap(HELP_COLUMNS)
    .exitProcess(false)
    .fail((message, error) => {
      // yargs reports a flag without its value as an error of its own class; what a command throws comes this way, too.
      if (error !== undefined && error.name !== 'YError') throw error
      throw new UsageError('ERR_USAGE', message.replace(/\s+/g, ' '), { hint: 'see oem-bake --help', cause: error })
    })
  try {
    await parser.parseAsync()
    return exitCode
  } catch (error) {
    return printError(error, talkFlagsIn(words))
  }
}

/** @returns the exit code */
export async function run(words: readonly string[]): Promise<number> {
  return main(words).finally(endEarlyThreads)
}
