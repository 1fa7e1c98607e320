import { expect, it } from 'vitest'
import { checkCommands } from '#src/oem/grub/check-commands.js'
import { parseGrubCfg } from '#src/oem/grub/grub-cfg.js'

it('tells of a command that GRUB has not once, where it stands first, however often it is written', () => {
  const text = `set oem_id="ec2"\ngreet\n  sett a=1\n${'greet\n'.repeat(1000)}sett b=2\n`
  const found = checkCommands(parseGrubCfg(text), 'grub.cfg')
  expect(found.map(({ rule, place }) => [rule, place?.line, place?.column])).toEqual([
    ['grub-unknown-command', 2, 1],
    ['grub-unknown-command', 3, 3],
  ])
})
