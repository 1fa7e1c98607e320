import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { assertOemId, formatGrubCfg, parseGrubCfg, withOemId } from '#src/oem/grub/grub-cfg.js'
import { quoteGrub } from '#src/oem/grub/quote.js'
import { rejectsWithCode } from '../../support/errors.js'

const oemIds = fc.stringMatching(/^[a-z0-9][a-z0-9._-]{0,20}$/)
const oneLine = fc.string({ unit: 'grapheme' }).filter((text) => !/[\p{Cc}\u2028\u2029]/u.test(text))

describe('parseGrubCfg', () => {
  it.each([
    ['set oem_id="ec2"\n', 'ec2'],
    ["set oem_id='ec2'\n", 'ec2'],
    ['set oem_id=ec2\n', 'ec2'],
    ['oem_id=ec2', 'ec2'],
    ['  set oem_id="ec2" # why\n', 'ec2'],
    ['set a=1; set oem_id="ec2"; set b=2\n', 'ec2'],
    ['set oem_id=e"c"2\n', 'ec2'],
    ['set other=ec2\nset oem_id="$other"\n', 'ec2'],
    ['set oem_id="ec2"\r\n', 'ec2'],
    // The last one that runs.
    ['set oem_id="a"\nset oem_id="b"\n', 'b'],
    ['set oem_id="a"\nif [ "$x" = y ]; then\n  set oem_id="b"\nfi\n', 'a'],
    ['if [ "$x" = y ]; then set oem_id="b"; fi\n', undefined],
    ['if [ "$grub_platform" = pc ]; then set oem_id="b"; fi\n', 'b'],
    ['menuentry "x" --id=y {\n  set oem_id="b"\n}\nset oem_id="a"\n', 'a'],
    // What a fault takes along, and what it doesn't.
    ['if true; then\n  set oem_id="a"\n', undefined],
    ['set oem_id="a"\nset x="$"\n', 'a'],
    ['set x="$"\nset oem_id="a"\n', 'a'],
    ['set oem_id="a"; set x="$"\n', undefined],
    // Not assignments.
    ['# set oem_id="ec2"\n', undefined],
    ['echo oem_id=ec2\n', undefined],
    ['set linux_append="$linux_append oem_id=ec2"\n', undefined],
    ['set oem_id=""\n', undefined],
    ['set oem_id="$other"\n', undefined],
    ['', undefined],
  ])('finds the id of %j', (text, expected) => {
    expect(parseGrubCfg(text).oemId).toBe(expected)
  })

  it('tells the kinds of machines apart', () => {
    const text =
      'if [ "$grub_cpu" = arm64 ]; then oem_id=arm; elif [ "$grub_platform" = efi ]; then oem_id=efi; else oem_id=pc; fi\n'
    expect([...parseGrubCfg(text).oemIds]).toEqual([
      ['pc', 'pc'],
      ['efi', 'efi'],
      ['xen', 'pc'],
      ['arm64', 'arm'],
    ])
  })

  it('reads back every value that was quoted', () => {
    fc.assert(
      fc.property(oneLine, (value) => {
        const { assignments, runs, script } = parseGrubCfg(`set x=${quoteGrub(value)}\n`)
        expect(script.faults).toEqual([])
        expect(assignments.map((assignment) => assignment.value)).toEqual([value])
        expect(runs.get('pc')?.variables.get('x')).toBe(value)
      }),
      { numRuns: 1000 },
    )
  })

  it('reads back what formatGrubCfg writes, whatever the values', () => {
    fc.assert(
      fc.property(oemIds, oneLine, oneLine, (oemId, linuxAppend, linuxConsole) => {
        const { oemId: parsed, runs } = parseGrubCfg(formatGrubCfg({ oemId, linuxAppend, linuxConsole }))
        expect(parsed).toBe(oemId)
        expect(runs.get('efi')?.variables.get('linux_append')).toBe(` ${linuxAppend}`)
        expect(runs.get('efi')?.variables.get('linux_console')).toBe(linuxConsole)
      }),
    )
  })

  it('ends on any text', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => parseGrubCfg(text).assignments.length >= 0))
  })

  it.each([
    ['a fault on every line', '&\n'.repeat(300_000)],
    ['blocks in blocks', 'if '.repeat(300_000)],
    ['an assignment on every line', 'a=$a"x"\n'.repeat(100_000)],
    ['doubling', `a=x\n${'a=$a$a\n'.repeat(1000)}`],
    ['doubling in one line', `a=xxxxxxxxxx\n${'b='}${'$a'.repeat(300_000)}\n`],
    ['escapes', '\\'.repeat(1_000_000)],
    ['quotes', `'"`.repeat(500_000)],
  ])('ends soon on a megabyte of %s', (_, text) => {
    const start = performance.now()
    parseGrubCfg(text)
    expect(performance.now() - start).toBeLessThan(10_000)
  })
})

describe('withOemId', () => {
  it.each([
    ['set oem_id="ec2"\nset linux_append="$linux_append a"\n', 'set oem_id="x"\nset linux_append="$linux_append a"\n'],
    ['a=1; oem_id=ec2; b=2\n', 'a=1; oem_id="x"; b=2\n'],
    ['set oem_id="ec2"\r\n', 'set oem_id="x"\r\n'],
    ['if true; then set oem_id=a; fi\n', 'if true; then set oem_id="x"; fi\n'],
    // Not on every machine, or not to be known.
    [
      'if [ "$grub_platform" = pc ]; then set oem_id=a; fi\n',
      'set oem_id="x"\nif [ "$grub_platform" = pc ]; then set oem_id="x"; fi\n',
    ],
    ['if [ -e /a ]; then set oem_id=a; fi\n', 'set oem_id="x"\nif [ -e /a ]; then set oem_id="x"; fi\n'],
    ['# nothing\n', 'set oem_id="x"\n# nothing\n'],
    ['', 'set oem_id="x"\n'],
  ])('turns %j into %j', (text, expected) => {
    expect(withOemId(text, 'x')).toBe(expected)
  })

  it('sets the id and keeps every other assignment', () => {
    const line = fc.oneof(
      fc.constantFrom(
        'set oem_id="a"',
        'oem_id=b',
        'set linux_console="x"',
        '# c',
        'if [ a = b ]; then',
        'fi',
        'serial com0',
      ),
      oneLine.map((value) => `set v=${quoteGrub(value)}`),
    )
    fc.assert(
      fc.property(fc.array(line), oemIds, (lines, id) => {
        const text = `${lines.join('\n')}\n`
        const edited = withOemId(text, id)
        const others = (source: string) =>
          parseGrubCfg(source)
            .assignments.filter(({ name }) => name !== 'oem_id')
            .map(({ name, value }) => [name, value])
        expect(new Set(parseGrubCfg(edited).oemIds.values())).toEqual(new Set([id]))
        expect(others(edited)).toEqual(others(text))
      }),
    )
  })
})

describe('assertOemId', () => {
  it.each(['', 'Rackspace', 'a b', 'a"b', '$x', '-a', 'a'.repeat(64)])('refuses %j', async (id) => {
    await rejectsWithCode(() => assertOemId(id), 'ERR_OEM_ID_INVALID')
  })
})
