/**
 * A time, written after an example: Go's layouts, for `{{isotime "2006-01-02"}}`. Always UTC, as Packer has it.
 *
 * Source: Go's time/format.go, "Layout". The parts that names of files and labels are made of; other text stays.
 */
const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday']
const MONTHS = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
]

const two = (value: number): string => String(value).padStart(2, '0')

/** Longer ones before those that they begin with. */
const PARTS: readonly (readonly [layout: string, write: (time: Date) => string])[] = [
  ['2006', (time) => String(time.getUTCFullYear()).padStart(4, '0')],
  ['January', (time) => MONTHS[time.getUTCMonth()] ?? ''],
  ['Jan', (time) => (MONTHS[time.getUTCMonth()] ?? '').slice(0, 3)],
  ['Monday', (time) => DAYS[time.getUTCDay()] ?? ''],
  ['Mon', (time) => (DAYS[time.getUTCDay()] ?? '').slice(0, 3)],
  ['MST', () => 'UTC'],
  ['Z07:00', () => 'Z'],
  ['-0700', () => '+0000'],
  ['01', (time) => two(time.getUTCMonth() + 1)],
  ['02', (time) => two(time.getUTCDate())],
  ['03', (time) => two(time.getUTCHours() % 12 || 12)],
  ['04', (time) => two(time.getUTCMinutes())],
  ['05', (time) => two(time.getUTCSeconds())],
  ['06', (time) => two(time.getUTCFullYear() % 100)],
  ['15', (time) => two(time.getUTCHours())],
  ['PM', (time) => (time.getUTCHours() < 12 ? 'AM' : 'PM')],
]
const ANY_PART = new RegExp(PARTS.map(([layout]) => layout).join('|'), 'g')
const WRITERS: ReadonlyMap<string, (time: Date) => string> = new Map(PARTS)

export function formatGoTime(time: Date, layout: string): string {
  return layout.replace(ANY_PART, (part) => WRITERS.get(part)?.(time) ?? part)
}
