/**
 * The kernel arguments that come of a GRUB variable's value, where the vendor's configuration writes `linux … $name`.
 *
 * GRUB splits the value at blanks, whatever quotes are in it, and puts a backslash before each quote and backslash of an
 * argument. Sources: coreos/grub grub-core/lib/cmdline.c; seen in /proc/cmdline (test/boot).
 */
export function kernelArguments(value: string): readonly string[] {
  return value
    .split(/[ \t\n\v\f\r]+/)
    .filter((argument) => argument !== '')
    .map((argument) => argument.replace(/["'\\]/g, (character) => `\\${character}`))
}
