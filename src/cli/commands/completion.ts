/** `oem-bake completion bash | zsh | fish`: prints a script that the shell reads once. */
import { UsageError } from '../../errors.js'
import { suggestName } from '../../oem/nearest.js'
import type { RunContext } from '../../progress.js'
import { bashScript } from '../completion/bash.js'
import { fishScript } from '../completion/fish.js'
import { knownNames } from '../completion/names.js'
import { zshScript } from '../completion/zsh.js'
import type { CommandOutput } from '../run.js'

const SCRIPTS = { bash: bashScript, zsh: zshScript, fish: fishScript } as const
const SHELLS = ['bash', 'zsh', 'fish'] as const

export async function completion(
  { shell }: { readonly shell?: string | undefined },
  { env }: Pick<RunContext, 'env'>,
): Promise<CommandOutput> {
  const known = SHELLS.find((name) => name === shell)
  if (known !== undefined) return { document: undefined, text: SCRIPTS[known](await knownNames(env)) }
  throw new UsageError(
    'ERR_USAGE',
    shell === undefined ? 'which shell completion is for was not said' : `there is no completion for ${shell}`,
    { hint: shell === undefined ? 'oem-bake completion bash' : suggestName(shell, SHELLS, 'shells') },
  )
}
