/**
 * The first and only program of the machines that tests boot: prints /proc/cmdline between two marks on the second serial
 * port and powers off. A static ELF file for x86-64 Linux, put together here, so that no compiler or busybox is needed.
 *
 * Sources: System V ABI, AMD64 supplement (ELF-64 header, system calls); Linux arch/x86/entry/syscalls/syscall_64.tbl.
 * The port is opened by name, so that it does not matter which consoles the command line has.
 */

export const BEGIN_MARK = '@begin\n'
export const END_MARK = '@end\n'

const BASE = 0x400000
const ELF_HEADER_BYTES = 64
const PROGRAM_HEADER_BYTES = 56
const CODE_START = ELF_HEADER_BYTES + PROGRAM_HEADER_BYTES
/** More than the longest command line, 2048 on x86. */
const BUFFER_BYTES = 4096

const SYSTEM_CALLS = { read: 0, write: 1, open: 2, ioctl: 16, syslog: 103, mount: 165, reboot: 169 } as const

/** An argument: a number, the address of a text or of the buffer, or what was kept of an earlier call. */
type Operand = number | { readonly text: string } | 'buffer' | 'port' | 'last' | 'length'

interface Call {
  readonly name: keyof typeof SYSTEM_CALLS
  readonly operands: readonly Operand[]
  /** Keeps the result. */
  readonly keep?: 'port' | 'length'
}

const WRITE_ONLY = 1
/** Sets the level of messages that reach a console: none. */
const SYSLOG_CONSOLE_LEVEL = 8
/** Waits until everything is sent. */
const TCSBRK = 0x5409

const CALLS: readonly Call[] = [
  { name: 'mount', operands: [{ text: 'proc' }, { text: '/proc' }, { text: 'proc' }, 0, 0] },
  { name: 'mount', operands: [{ text: 'dev' }, { text: '/dev' }, { text: 'devtmpfs' }, 0, 0] },
  { name: 'syslog', operands: [SYSLOG_CONSOLE_LEVEL, 0, 1] },
  { name: 'open', operands: [{ text: '/dev/ttyS1' }, WRITE_ONLY], keep: 'port' },
  { name: 'open', operands: [{ text: '/proc/cmdline' }, 0] },
  { name: 'read', operands: ['last', 'buffer', BUFFER_BYTES], keep: 'length' },
  { name: 'write', operands: ['port', { text: BEGIN_MARK }, BEGIN_MARK.length] },
  { name: 'write', operands: ['port', 'buffer', 'length'] },
  { name: 'write', operands: ['port', { text: END_MARK }, END_MARK.length] },
  { name: 'ioctl', operands: ['port', TCSBRK, 1] },
  { name: 'reboot', operands: [0xfee1dead, 0x28121969, 0x4321fedc, 0] },
]

/** rdi, rsi, rdx, r10, r8: where a system call's arguments go; `mov register, imm32` is one byte more for the last two. */
const LOAD_NUMBER = ['bf', 'be', 'ba', '41ba', '41b8'].map(bytes)
/** `mov register, rax`, `mov register, r12`, `mov register, r13`, for the first three. */
const LOAD_KEPT: Readonly<Record<'last' | 'port' | 'length', readonly Buffer[]>> = {
  last: ['4889c7', '4889c6', '4889c2'].map(bytes),
  port: ['4c89e7', '4c89e6', '4c89e2'].map(bytes),
  length: ['4c89ef', '4c89ee', '4c89ea'].map(bytes),
}
/** `mov r12, rax`, `mov r13, rax` */
const KEEP = { port: bytes('4989c4'), length: bytes('4989c5') } as const
const LOAD_CALL = bytes('b8')
const SYSCALL = bytes('0f05')
/** Jumps to itself: if the machine can't be powered off, the test's time runs out. */
const FOREVER = bytes('ebfe')

export function initProgram(): Buffer {
  // Once with all addresses zero, to learn how long the code is.
  const codeBytes = assemble(() => 0).length
  const texts = textsOf(CALLS)
  const offsets = new Map<string, number>()
  let end = CODE_START + codeBytes
  for (const text of texts) {
    offsets.set(text, end)
    end += text.length + 1
  }
  const code = assemble((operand) => BASE + (operand === 'buffer' ? end : (offsets.get(operand.text) ?? 0)))
  const data = Buffer.concat(texts.map((text) => Buffer.from(`${text}\0`)))
  return Buffer.concat([header(end), code, data])
}

function textsOf(calls: readonly Call[]): readonly string[] {
  const operands = calls.flatMap((call) => call.operands)
  return [...new Set(operands.flatMap((operand) => (typeof operand === 'object' ? [operand.text] : [])))]
}

function assemble(addressOf: (operand: 'buffer' | { readonly text: string }) => number): Buffer {
  const code = CALLS.flatMap(({ keep, name, operands }) => [
    ...operands.flatMap((operand, position) => load(operand, position, addressOf)),
    LOAD_CALL,
    number32(SYSTEM_CALLS[name]),
    SYSCALL,
    ...(keep === undefined ? [] : [KEEP[keep]]),
  ])
  return Buffer.concat([...code, FOREVER])
}

function load(
  operand: Operand,
  position: number,
  addressOf: (operand: 'buffer' | { readonly text: string }) => number,
): readonly Buffer[] {
  if (operand === 'last' || operand === 'port' || operand === 'length') {
    return [LOAD_KEPT[operand][position] ?? Buffer.alloc(0)]
  }
  return [
    LOAD_NUMBER[position] ?? Buffer.alloc(0),
    number32(typeof operand === 'number' ? operand : addressOf(operand)),
  ]
}

/** The ELF header and one program header: all of the file, and the buffer behind it, at one address. */
function header(fileBytes: number): Buffer {
  const elf = Buffer.alloc(CODE_START)
  bytes('7f454c46020101').copy(elf)
  elf.writeUInt16LE(2, 16) // e_type: an executable
  elf.writeUInt16LE(62, 18) // e_machine: x86-64
  elf.writeUInt32LE(1, 20) // e_version
  elf.writeUInt32LE(BASE + CODE_START, 24) // e_entry
  elf.writeUInt32LE(ELF_HEADER_BYTES, 32) // e_phoff
  elf.writeUInt16LE(ELF_HEADER_BYTES, 52) // e_ehsize
  elf.writeUInt16LE(PROGRAM_HEADER_BYTES, 54) // e_phentsize
  elf.writeUInt16LE(1, 56) // e_phnum
  elf.writeUInt32LE(1, 64) // p_type: loadable
  elf.writeUInt32LE(7, 68) // p_flags: read, write, execute
  elf.writeUInt32LE(BASE, 80) // p_vaddr; p_offset is 0
  elf.writeUInt32LE(BASE, 88) // p_paddr
  elf.writeUInt32LE(fileBytes, 96) // p_filesz
  elf.writeUInt32LE(fileBytes + BUFFER_BYTES, 104) // p_memsz
  elf.writeUInt32LE(4096, 112) // p_align
  return elf
}

function bytes(hexadecimal: string): Buffer {
  return Buffer.from(hexadecimal, 'hex')
}

function number32(value: number): Buffer {
  const buffer = Buffer.alloc(4)
  buffer.writeUInt32LE(value)
  return buffer
}
