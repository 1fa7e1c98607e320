import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { assertOemId, checkGrubCfg, formatGrubCfg, parseGrubCfg, withOemId } from '#src/oem/grub/grub-cfg.js'
import { parseAssignments, quoteGrub } from '#src/oem/grub/grub-script.js'
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
    // The last one that surely runs.
    ['set oem_id="a"\nset oem_id="b"\n', 'b'],
    ['set oem_id="a"\nif [ "$x" = y ]; then\n  set oem_id="b"\nfi\n', 'a'],
    ['if [ "$x" = y ]; then set oem_id="b"; fi\n', 'b'],
    ['menuentry "x" --id=y {\n  set oem_id="b"\n}\nset oem_id="a"\n', 'a'],
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

  it('reads back every value that was quoted', () => {
    fc.assert(
      fc.property(oneLine, (value) => {
        const [only, ...others] = parseAssignments(`set x=${quoteGrub(value)}\n`)
        expect(only?.value).toBe(value)
        expect(others).toEqual([])
      }),
      { numRuns: 1000 },
    )
  })

  it('reads back what formatGrubCfg writes, whatever the values', () => {
    fc.assert(
      fc.property(oemIds, oneLine, oneLine, (oemId, linuxAppend, linuxConsole) => {
        const parsed = parseGrubCfg(formatGrubCfg({ oemId, linuxAppend, linuxConsole }))
        expect(parsed.oemId).toBe(oemId)
        expect(parsed.assignments.map((assignment) => assignment.name)).toEqual([
          'oem_id',
          'linux_append',
          'linux_console',
        ])
        expect(parsed.assignments[2]?.value).toBe(linuxConsole)
      }),
    )
  })

  it('ends on any text', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => parseGrubCfg(text).assignments.length >= 0))
  })
})

describe('withOemId', () => {
  it.each([
    ['set oem_id="ec2"\nset linux_append="$linux_append a"\n', 'set oem_id="x"\nset linux_append="$linux_append a"\n'],
    ['a=1; oem_id=ec2; b=2\n', 'a=1; oem_id="x"; b=2\n'],
    ['if true; then set oem_id=a; fi\n', 'set oem_id="x"\nif true; then set oem_id="x"; fi\n'],
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
          parseAssignments(source)
            .filter(({ name }) => name !== 'oem_id')
            .map(({ name, value }) => [name, value])
        expect(parseGrubCfg(edited).oemId).toBe(id)
        expect(others(edited)).toEqual(others(text))
      }),
    )
  })
})

describe('checkGrubCfg', () => {
  it.each([
    ['set linux_append="$linux_append a"\n', []],
    ['set linux_append="$\u007blinux_append} a"\n', []],
    ['  set linux_append="$linux_append a"\n', ['grub-append-form']],
    ["set linux_append='a'\n", ['grub-append-overwrites', 'grub-append-form']],
    ['set linux_append="a"\n', ['grub-append-overwrites']],
    ['set linux_append="$linux_append ignition.platform.id=x"\n', ['grub-platform-id']],
    ['set oem_id="x"\r\n', ['grub-cr']],
  ])('says of %j: %j', (text, rules) => {
    expect(checkGrubCfg(text, 'grub.cfg').map((finding) => finding.rule)).toEqual(rules)
  })
})

describe('assertOemId', () => {
  it.each(['', 'Rackspace', 'a b', 'a"b', '$x', '-a', 'a'.repeat(64)])('refuses %j', async (id) => {
    await rejectsWithCode(() => assertOemId(id), 'ERR_OEM_ID_INVALID')
  })
})
