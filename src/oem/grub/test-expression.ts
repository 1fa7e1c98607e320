/**
 * GRUB's `test` and `[`.
 *
 * Source: coreos/grub grub-core/commands/test.c, measured with grub-emu 2.06: everything between two `-o` must hold, whether
 * `-a` stands between or not, and no test at all holds. Tests of files can't be answered here.
 */

export interface TestResult {
  readonly value: boolean
  /** The tests of files in it, taken as false. */
  readonly unanswered: readonly string[]
}

const STRING_TESTS: Readonly<Record<string, (left: string, right: string) => boolean>> = {
  '=': (left, right) => left === right,
  '==': (left, right) => left === right,
  '!=': (left, right) => left !== right,
  '<': (left, right) => left < right,
  '<=': (left, right) => left <= right,
  '>': (left, right) => left > right,
  '>=': (left, right) => left >= right,
}

const NUMBER_TESTS: Readonly<Record<string, (left: number, right: number) => boolean>> = {
  '-eq': (left, right) => left === right,
  '-ne': (left, right) => left !== right,
  '-lt': (left, right) => left < right,
  '-le': (left, right) => left <= right,
  '-gt': (left, right) => left > right,
  '-ge': (left, right) => left >= right,
}

/** @param words what stands after `test` or `[`; a last `]` may be there */
export function evaluateTest(words: readonly string[]): TestResult {
  const expression = words.at(-1) === ']' ? words.slice(0, -1) : words
  const unanswered: string[] = []
  const { value } = readTests(expression, 0, unanswered)
  return { value, unanswered }
}

/** Up to a closing parenthesis, or to the end. */
function readTests(
  words: readonly string[],
  from: number,
  unanswered: string[],
): { readonly value: boolean; readonly next: number } {
  /** Whether some alternative before the last `-o` holds. */
  let before = false
  let current = true
  let invert = false
  let index = from
  const answer = (result: boolean) => {
    current &&= result !== invert
    invert = false
  }
  while (index < words.length) {
    const [first = '', second = '', third = ''] = words.slice(index, index + 3)
    const left = words.length - index
    const strings = left > 2 ? STRING_TESTS[second] : undefined
    const numbers = left > 2 ? NUMBER_TESTS[second] : undefined
    if (strings !== undefined) {
      answer(strings(first, third))
      index += 3
    } else if (numbers !== undefined) {
      answer(numbers(parseNumber(first), parseNumber(third)))
      index += 3
    } else if (left > 2 && /^-[no]t/.test(second)) {
      unanswered.push(`${first} ${second} ${third}`)
      answer(false)
      index += 3
    } else if (left > 1 && /^-[defs]$/.test(first)) {
      unanswered.push(`${first} ${second}`)
      answer(false)
      index += 2
    } else if (left > 1 && (first === '-n' || first === '-z')) {
      answer((second !== '') === (first === '-n'))
      index += 2
    } else if (first === ')') {
      return { value: before || current, next: index + 1 }
    } else if (first === '(') {
      const inner = readTests(words, index + 1, unanswered)
      answer(inner.value)
      index = inner.next
    } else if (first === '!') {
      invert = !invert
      index++
    } else if (first === '-a') {
      index++
    } else if (first === '-o') {
      before ||= current
      current = true
      index++
    } else {
      answer(first !== '')
      index++
    }
  }
  return { value: before || current, next: index }
}

/** Decimal, 0x… or 0…, as far as it goes; anything else is 0. */
function parseNumber(text: string): number {
  const match = /^(-?)(?:0x([0-9a-f]+)|0([0-7]+)|(\d+))/i.exec(text)
  if (match === null) return 0
  const [, sign, hexadecimal, octal, decimal] = match
  const magnitude =
    hexadecimal !== undefined
      ? Number.parseInt(hexadecimal, 16)
      : octal !== undefined
        ? Number.parseInt(octal, 8)
        : Number.parseInt(decimal ?? '0', 10)
  return sign === '-' ? -magnitude : magnitude
}
