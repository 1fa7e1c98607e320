/**
 * The command line. yargs stays in this folder; everything a command does is a call of the library's own pipeline.
 */
import yargs, { type Argv } from 'yargs'
import { UsageError } from '../errors.js'
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
import type { TalkFlags } from './options/talk.js'
import { json, print, printError, runCommandLine } from './run.js'
import { typedFlags } from './typed-flags.js'
import { assertNoWordLeft, assertUnderstood, assertValues, withHelpFlag } from './understood.js'
import { commandOf, DEFAULT_VERB, type FlagsOf, VERBS, type Verb, type VerbName } from './verbs.js'

const HELP_COLUMNS = 80
const HELP_FLAGS: readonly string[] = ['--help', '-h']

const USAGE = `Bakes a provider's edition of a Container Linux or Flatcar image.

Usage: ${VERBS.map(({ usage }) => `oem-bake ${usage}`).join('\n')}`

/** @param words all that was typed @returns the exit code */
type Run<Name extends VerbName> = (flags: FlagsOf<Name>, words: readonly string[]) => number | Promise<number>

/** What each verb does. Those that are seldom wanted, or have much to load, are loaded when they are. */
const RUNS: { readonly [Name in VerbName]: Run<Name> } = {
  bake: (flags) => runCommandLine(flags, (context) => bake(flags, context)),
  plan: (flags) => runCommandLine(flags, (context) => plan(flags, context)),
  explain: (flags) => runCommandLine(flags, (context) => explain(flags, context)),
  inspect: (flags) => runCommandLine(flags, (context) => inspect(flags, context)),
  verify: (flags) => runCommandLine(flags, (context) => verify(flags, context)),
  keys: (flags) => runCommandLine(flags, (context) => keys(flags, context)),
  templates: (flags) => runCommandLine(flags, (context) => templates(flags, context)),
  batch: async (flags) => {
    const { batch } = await import('./commands/batch.js')
    return await runCommandLine(flags, (context) => batch(flags, context))
  },
  unbake: async (flags) => {
    const { unbake } = await import('./commands/unbake.js')
    return await runCommandLine(flags, (context) => unbake(flags, context))
  },
  fetch: async (flags, words) => {
    const { fetch } = await import('./commands/fetch.js')
    return await runCommandLine(flags, (context) => fetch(flags, words, context))
  },
  prove: async (flags) => {
    const { prove } = await import('./commands/prove.js')
    return await runCommandLine(flags, (context) => prove(flags, context))
  },
  rules: async (flags) => {
    const { document, text } = rules(flags)
    await print(flags.json === true ? json(document) : text)
    return 0
  },
  completion: async (flags) => {
    const { completion } = await import('./commands/completion.js')
    await print((await completion(flags, { env: process.env })).text)
    return 0
  },
}

/** How yargs writes a verb and its words: all may be left out, because we word that better than yargs does. */
function patternOf({ name, words }: Verb): string | string[] {
  const pattern = [name, ...words.map((word) => `[${word.name.toLowerCase()}]`)].join(' ')
  return name === DEFAULT_VERB ? [pattern.replace(name, '$0'), pattern] : pattern
}

function described(parser: Argv, { examples, name, options, words }: Verb): Argv {
  for (const { describe, name: word } of words) parser.positional(word.toLowerCase(), { type: 'string', describe })
  for (const { does, typed } of examples) parser.example(`${commandOf(name)} ${typed}`, does)
  // There it is a release's; the program's own is asked for without a verb.
  if ('version' in options) parser.version(false)
  return parser.options(options)
}

/** How to talk about words that were not understood. */
function talkFlagsIn(words: readonly string[]): Pick<TalkFlags, 'json' | 'progress'> {
  const wantsEvents = words.some((word, index) =>
    word === 'json' ? words[index - 1] === '--progress' : word === '--progress=json',
  )
  return { json: words.includes('--json'), progress: wantsEvents ? 'json' : 'auto' }
}

/** yargs takes the left margin from lines: these get it back. */
function alignUsages(help: string): string {
  return help.replace(/^Usage: .*?\n\n/ms, (usages) => usages.replace(/\n(?=oem-bake )/g, '\n       '))
}

async function main(typed: readonly string[]): Promise<number> {
  try {
    return await runVerb(withHelpFlag(typed))
  } catch (error) {
    return printError(error, talkFlagsIn(typed))
  }
}

async function runVerb(words: readonly string[]): Promise<number> {
  let exitCode = 0
  let chosen: Verb | undefined
  const wantsHelp = typedFlags(words).some(({ spelled }) => HELP_FLAGS.includes(spelled))
  // It would print the help itself, too.
  const parser = yargs(wantsHelp ? words.filter((word) => !HELP_FLAGS.includes(word)) : [...words])
    .scriptName('oem-bake')
    .locale('en')
    .usage(USAGE)
  for (const verb of VERBS) {
    // Which verb it is, and so which flags, is in the table; in a loop, the types can't follow.
    const run = RUNS[verb.name] as Run<VerbName>
    parser.command(
      patternOf(verb),
      verb.summary,
      (y) => {
        chosen = verb
        return described(y, verb)
      },
      async (flags) => {
        const first: unknown = flags[verb.words[0]?.name.toLowerCase() ?? '']
        const leftOver = flags._.slice(flags._[0] === verb.name ? 1 : 0)
        assertUnderstood(verb, words)
        await assertNoWordLeft(verb, typeof first === 'string' ? first : undefined, leftOver, process.env)
        exitCode = await run(flags as FlagsOf<VerbName>, words)
      },
    )
  }
  parser
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
      if (chosen !== undefined) assertValues(chosen, words)
      throw new UsageError('ERR_USAGE', message.replace(/\s+/g, ' '), { hint: 'see oem-bake --help', cause: error })
    })
  if (wantsHelp) {
    await print(`${alignUsages(await parser.getHelp())}\n`)
    return 0
  }
  await parser.parseAsync()
  return exitCode
}

/** @returns the exit code */
export async function run(words: readonly string[]): Promise<number> {
  return main(words).finally(endEarlyThreads)
}
