/** Examples of the rules about grub.cfg. */
import type { RuleExample, RuleInput } from '../../support/rule-examples.js'

const FLATCAR = 'flatcar:3510.2.8'
const NO_ESP_MODULES = 'flatcar:4230.2.0'

function grub(text: string, release?: string): RuleInput {
  return { files: { '/grub.cfg': text }, ...(release === undefined ? {} : { release }) }
}

const ID = 'set oem_id="ec2"\n'

export const GRUB_EXAMPLES: readonly RuleExample[] = [
  {
    rule: 'grub-syntax',
    failing: grub(`${ID}if [ "$grub_platform" = pc ] then\n  set linux_console="console=ttyS0"\nfi\n`),
    passing: grub(`${ID}if [ "$grub_platform" = pc ]; then\n  set linux_console="console=ttyS0"\nfi\n`),
    line: 4,
    column: 1,
  },
  {
    rule: 'grub-syntax',
    failing: grub(`${ID}set linux_append="$linux_append price=$"\n`),
    passing: grub(`${ID}set linux_append="$linux_append price=\\$"\n`),
    line: 2,
    column: 39,
  },
  { rule: 'grub-syntax', failing: grub(`${ID}true && a=b\n`), passing: grub(`${ID}true; a=b\n`), line: 2, column: 6 },
  { rule: 'grub-syntax', failing: grub(`${ID}set a="b\n`), passing: grub(`${ID}set a="b"\n`), line: 2, column: 7 },
  {
    rule: 'grub-syntax',
    failing: grub(`${ID}if true; then\n  # nothing to do\nfi\n`),
    passing: grub(`${ID}if true; then\n  true\nfi\n`),
    line: 4,
    column: 1,
  },
  {
    rule: 'grub-unknown-command',
    failing: grub(`${ID}  sett timeout=5\n`),
    passing: grub(`${ID}  set timeout=5\n`),
    line: 2,
    column: 3,
  },
  {
    rule: 'grub-unknown-command',
    failing: grub('oem_id = ec2\n'),
    passing: grub('oem_id=ec2\n'),
    line: 1,
    column: 1,
  },
  {
    rule: 'grub-unknown-command',
    failing: grub(`${ID}greet\n`),
    passing: grub(`${ID}function greet {\n  echo hello\n}\ngreet\n`),
  },
  { rule: 'grub-no-assignment', failing: grub('set oem_id = "ec2"\n'), passing: grub(ID), line: 1, column: 1 },
  { rule: 'grub-byte-order-mark', failing: grub(`\uFEFF${ID}`), passing: grub(ID), line: 1, column: 1 },
  { rule: 'grub-cr', failing: grub('set oem_id="ec2"\r\n'), passing: grub(ID), line: 1, column: 17 },
  {
    rule: 'grub-not-ascii',
    failing: grub(`${ID}set linux_append="$linux_append name=Zürich"\n`),
    passing: grub(`# Zürich\n${ID}set linux_append="$linux_append name=Zurich" # Zürich\n`),
    line: 2,
    column: 39,
  },
  {
    rule: 'grub-not-followed',
    failing: grub(`${ID}if [ -e /other.cfg ]; then source /other.cfg; fi\n`),
    passing: grub(`${ID}if [ -n "$other" ]; then source /other.cfg; fi\n`),
    line: 2,
  },
  {
    rule: 'grub-core-command',
    failing: grub(`${ID}sleep 5\n`, NO_ESP_MODULES),
    passing: grub(`${ID}sleep 5\n`, FLATCAR),
    line: 2,
    column: 1,
  },
  {
    rule: 'grub-core-command',
    failing: grub(`${ID}probe --set x /\n`, NO_ESP_MODULES),
    passing: grub(`${ID}serial com0\nterminal_output serial_com0\n`, NO_ESP_MODULES),
  },
  {
    rule: 'grub-oem-id-differs',
    failing: grub('if [ "$grub_platform" = pc ]; then\n  set oem_id="ec2"\nfi\n'),
    passing: grub('if [ "$grub_platform" = pc ]; then\n  set oem_id="ec2"\nelse\n  set oem_id="ec2"\nfi\n'),
    line: 2,
    column: 3,
  },
  {
    rule: 'grub-never-runs',
    failing: grub(`${ID}if [ "$grub_platform" = bios ]; then\n  set linux_console="console=ttyS0"\nfi\n`),
    passing: grub(`${ID}if [ "$grub_platform" = pc ]; then\n  set linux_console="console=ttyS0"\nfi\n`),
    line: 3,
    column: 3,
  },
  {
    rule: 'grub-platform-id',
    failing: grub(`${ID}set linux_append="$linux_append ignition.platform.id=ec2"\n`),
    passing: grub(`${ID}set linux_append="$linux_append ignition.config.url=http://a/"\n`),
    line: 2,
  },
  {
    rule: 'grub-append-oem-id',
    failing: grub('set linux_append="$linux_append flatcar.oem.id=ec2"\n', FLATCAR),
    passing: grub(ID, FLATCAR),
    line: 1,
  },
  {
    rule: 'grub-append-overwrites',
    failing: grub(`${ID}set linux_append="$linux_append a"\nset linux_append="b"\n`),
    passing: grub(`${ID}set linux_append="$linux_append a"\nset linux_append="$linux_append b"\n`),
    line: 3,
  },
  {
    rule: 'grub-append-overwrites',
    failing: grub(`${ID}set linux_append="b"\n`),
    passing: grub(`${ID}set linux_append="$\u007blinux_append} b"\n`),
  },
  ...[
    '  set linux_append="$linux_append a"\n',
    'linux_append="$linux_append a"\n',
    "set linux_append='a'\n",
    'if true; then\nset linux_append="$linux_append a"\nfi\n',
    'set linux_append="$linux_append a"; set oem_id="ec2"\n',
    'set linux_append="$linux_append a"; true\n',
    'set linux_append="$linux_append \\"a"\n',
    'set linux_append="$linux_append\n a"\n',
    'set linux_append="$\u007blinux_append} a"\n',
  ].map((text) => ({
    rule: 'grub-append-form',
    failing: grub(`${ID}${text}`, FLATCAR),
    passing: grub(`${ID}set linux_append="$linux_append a" # why\n`, FLATCAR),
  })),
  { rule: 'grub-last-line', failing: grub(ID.trim(), FLATCAR), passing: grub(ID, FLATCAR), line: 1, column: 17 },
  {
    rule: 'grub-quotes',
    failing: grub(`${ID}set linux_append="$linux_append a=\\"b c\\""\n`),
    passing: grub(`${ID}set linux_append="$linux_append "'a=b'\n`),
    line: 2,
  },
  {
    rule: 'grub-no-console',
    failing: grub(`${ID}set linux_console="earlyprintk=ttyS0,115200"\n`),
    passing: grub(`${ID}set linux_console="console=ttyS0,115200n8 earlyprintk=ttyS0,115200"\n`),
    line: 2,
  },
  {
    rule: 'grub-no-console',
    failing: grub(`${ID}set linux_console=" "\n`),
    passing: grub(`${ID}set linux_console=""\n`),
  },
  ...['ttys0,115200n8', 'ttyS0:115200', 'ttyS,115200', 'com1', 'ttyS0,115200,n8', '/dev/ttyS0'].map((name) => ({
    rule: 'grub-console-form',
    failing: grub(`${ID}set linux_console="console=tty0 console=${name}"\n`),
    passing: grub(`${ID}set linux_console="console=tty0 console=ttyS0,115200n8"\n`),
    line: 2,
  })),
  {
    rule: 'grub-autologin',
    failing: grub(`${ID}set linux_append="$linux_append flatcar.autologin=tty1"\n`, FLATCAR),
    passing: grub(`${ID}set linux_append="$linux_append flatcar.autologout"\n`, FLATCAR),
    line: 2,
  },
  {
    rule: 'grub-first-boot',
    failing: grub(`${ID}set first_boot="coreos.first_boot=1"\n`),
    passing: grub(`${ID}set first_boot=\n`),
    line: 2,
  },
]
