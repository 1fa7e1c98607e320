/**
 * Every failure that a user can meet, as one closed set of codes.
 *
 * The class of an error says whose problem it is, and alone decides the exit code (README, "Exit codes"). The code names
 * the exact cause, so that callers never have to read message text. A message says what was being done, what was
 * expected, what was found and where; a hint says what to type next.
 *
 * Foreign errors are wrapped once, at the edge where they appear, with `cause` kept.
 */

export type UsageCode =
  | 'ERR_USAGE'
  | 'ERR_TEMPLATE_UNKNOWN'
  | 'ERR_TEMPLATE_INVALID'
  | 'ERR_VARIABLE_MISSING'
  | 'ERR_VARIABLE_UNKNOWN'
  | 'ERR_VARIABLE_INVALID'
  | 'ERR_YAML_SYNTAX'
  | 'ERR_CLOUD_CONFIG_INVALID'
  | 'ERR_IGNITION_INVALID'
  | 'ERR_OEM_ID_INVALID'
  | 'ERR_OEM_ID_UNKNOWN'
  | 'ERR_OEM_PATH_INVALID'
  | 'ERR_OEM_RELEASE_INVALID'
  | 'ERR_GRUB_CFG_INVALID'
  | 'ERR_INPUT_FILE'
  | 'ERR_NOT_PUBLISHED'
  | 'ERR_KEY_INVALID'
  | 'ERR_SIGNING_KEY'

export type VerificationCode =
  | 'ERR_SOURCE_CHANGED'
  | 'ERR_DIGESTS_INVALID'
  | 'ERR_DIGEST_MISMATCH'
  | 'ERR_SIGNATURE_INVALID'
  | 'ERR_SIGNATURE_BAD'
  | 'ERR_SIGNATURE_KEY_UNKNOWN'
  | 'ERR_UNVERIFIED'

export type ImageCode =
  | 'ERR_NOT_AN_IMAGE'
  | 'ERR_IMAGE_EMPTY'
  | 'ERR_IMAGE_TOO_LARGE'
  | 'ERR_BZIP2_TRUNCATED'
  | 'ERR_BZIP2_CORRUPT'
  | 'ERR_BZIP2_TRAILING_GARBAGE'
  | 'ERR_DISK_SIZE'
  | 'ERR_GPT_MISSING'
  | 'ERR_GPT_HEADER_CRC'
  | 'ERR_GPT_TABLE_CRC'
  | 'ERR_GPT_HEADER_INVALID'
  | 'ERR_GPT_BACKUP_MISSING'
  | 'ERR_GPT_BACKUP_DIFFERS'
  | 'ERR_GPT_ENTRY_INVALID'
  | 'ERR_OEM_NOT_FOUND'
  | 'ERR_OEM_AMBIGUOUS'
  | 'ERR_OEM_NO_FILESYSTEM'
  | 'ERR_OEM_LABEL'
  | 'ERR_QCOW2_INVALID'
  | 'ERR_FILESYSTEM_CORRUPT'

export type UnsupportedCode =
  | 'ERR_CODEC_UNSUPPORTED'
  | 'ERR_DISK_FORMAT_UNSUPPORTED'
  | 'ERR_QCOW2_UNSUPPORTED'
  | 'ERR_FILESYSTEM_UNSUPPORTED'
  | 'ERR_ENGINE_CANNOT_SERVE'
  | 'ERR_GUESTFISH_MISSING'
  | 'ERR_KERNEL_UNREADABLE'
  | 'ERR_KERNEL_MISSING'
  | 'ERR_QEMU_MISSING'
  | 'ERR_COMPRESSOR_MISSING'
  | 'ERR_GPG_MISSING'
  | 'ERR_OEM_BAKE_MISSING'

export type EngineCode =
  | 'ERR_APPLIANCE_ABORTED'
  | 'ERR_APPLIANCE_HANGS'
  | 'ERR_GUESTFISH'
  | 'ERR_EMBEDDED'
  | 'ERR_CHILD_FAILED'
  | 'ERR_SIGN'

export type MachineCode = 'ERR_NO_SPACE' | 'ERR_PERMISSION' | 'ERR_IO' | 'ERR_NOT_FOUND' | 'ERR_NETWORK'

export type RefusedCode =
  | 'ERR_OUTPUT_EXISTS'
  | 'ERR_OUTPUT_IS_INPUT'
  | 'ERR_OUTPUT_SIGNED'
  | 'ERR_IMAGE_BOOTED'
  | 'ERR_OEM_UNKNOWN_FILES'
  | 'ERR_OEM_EDITED_FILES'
  | 'ERR_NOT_BAKED'
  | 'ERR_HISTORY_NEWER'
  | 'ERR_ORIGINAL_MISMATCH'
  | 'ERR_OEM_SYMLINK'
  | 'ERR_OEM_FULL'
  | 'ERR_NOT_A_REGULAR_FILE'
  | 'ERR_FILE_TOO_BIG'

export type PostCheckCode = 'ERR_CHECK_TREE' | 'ERR_CHECK_OUTSIDE' | 'ERR_CHECK_OUTPUT'

export type InternalCode = 'ERR_INTERNAL'

export type ErrorCode =
  | UsageCode
  | VerificationCode
  | ImageCode
  | UnsupportedCode
  | EngineCode
  | MachineCode
  | RefusedCode
  | PostCheckCode
  | InternalCode
  | 'ERR_CANCELLED'

export interface ErrorOptions {
  /** What to type or do next; one or two lines without a trailing full stop. */
  readonly hint?: string | undefined
  /** Facts for `--json`: plain data only. */
  readonly details?: Readonly<Record<string, unknown>> | undefined
  readonly cause?: unknown
}

/** Base of all our errors. Thrown only through the classes below. */
export abstract class OemBakeError<Code extends ErrorCode = ErrorCode> extends Error {
  /** Process exit code: whose problem it is. */
  abstract readonly exitCode: number
  readonly code: Code
  readonly hint: string | undefined
  readonly details: Readonly<Record<string, unknown>>

  constructor(code: Code, message: string, options: ErrorOptions = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause })
    this.name = new.target.name
    this.code = code
    this.hint = options.hint
    this.details = options.details ?? {}
  }
}

/** A defect of ours (exit 1). */
export class InternalError extends OemBakeError<InternalCode> {
  readonly exitCode = 1
}

/** Flags, template, variables or files that the user gave (exit 2). */
export class UsageError extends OemBakeError<UsageCode> {
  readonly exitCode = 2
}

/** What was read is not what it should be trusted as (exit 3). */
export class VerificationError extends OemBakeError<VerificationCode> {
  readonly exitCode = 3
}

/** The image: unreadable, corrupt, no OEM partition (exit 4). */
export class ImageError extends OemBakeError<ImageCode> {
  readonly exitCode = 4
}

/** Something needed is missing or not supported: tool, engine, format (exit 5). */
export class UnsupportedError extends OemBakeError<UnsupportedCode> {
  readonly exitCode = 5
}

/** The engine, or a program it needs, failed (exit 6). */
export class EngineError extends OemBakeError<EngineCode> {
  readonly exitCode = 6
}

/** The machine: space, permission, I/O, network (exit 7). */
export class MachineError extends OemBakeError<MachineCode> {
  readonly exitCode = 7
}

/** We could, but won't without being told to (exit 8). */
export class RefusedError extends OemBakeError<RefusedCode> {
  readonly exitCode = 8
}

/** The check after the bake failed; nothing was published (exit 9). */
export class PostCheckError extends OemBakeError<PostCheckCode> {
  readonly exitCode = 9
}

/** The run was cancelled by its AbortSignal (exit 130; the command line uses 143 after SIGTERM). */
export class CancelledError extends OemBakeError<'ERR_CANCELLED'> {
  readonly exitCode = 130
  constructor() {
    super('ERR_CANCELLED', 'cancelled')
  }
}

/** Throws {@link CancelledError} once the signal has fired. */
export function throwIfCancelled(signal: AbortSignal): void {
  if (signal.aborted) throw new CancelledError()
}

/** For the end of exhaustive switches: fails to compile when a case is missing. */
export function assertNever(value: never): never {
  throw new InternalError('ERR_INTERNAL', `unhandled case: ${JSON.stringify(value)}`)
}

export function isErrnoException(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'code' in error && typeof error.code === 'string'
}

/** What stat(2) says of a name that no file has, or can have. */
const ABSENT: ReadonlySet<string | undefined> = new Set(['ENOENT', 'ENOTDIR', 'ELOOP', 'ENAMETOOLONG'])

/** Whether a failed look at a path says that nothing is there; else it says nothing, and "no" would be a guess. */
export function saysAbsent(error: unknown): boolean {
  return isErrnoException(error) && ABSENT.has(error.code)
}

/**
 * Wraps a failed file operation. Errors that are already ours pass through unchanged.
 *
 * @param doing what was being done, as a clause: `write /data/out.img`
 * @returns a {@link MachineError}: `ERR_NO_SPACE`, `ERR_PERMISSION`, `ERR_NOT_FOUND` or `ERR_IO`
 */
export function fileError(error: unknown, doing: string, hint?: string): OemBakeError {
  if (error instanceof OemBakeError) return error
  const errno = isErrnoException(error) ? error.code : undefined
  const reason = error instanceof Error ? error.message : String(error)
  const options = (fallback: string): ErrorOptions => ({ hint: hint ?? fallback, details: { errno }, cause: error })
  switch (errno) {
    case 'ENOSPC':
    case 'EDQUOT':
      return new MachineError(
        'ERR_NO_SPACE',
        `could not ${doing}: no space left`,
        options('free some space, or point --tmp-dir and --output to a filesystem with more'),
      )
    case 'EFBIG':
      return new MachineError(
        'ERR_NO_SPACE',
        `could not ${doing}: the file may not be that big (EFBIG)`,
        options('raise the limit (ulimit -f), or choose a filesystem that takes bigger files with --output'),
      )
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return new MachineError(
        'ERR_PERMISSION',
        `could not ${doing}: permission denied (${errno})`,
        options('check the owner and mode of the directory, or choose another with --output'),
      )
    case 'ENOENT':
    case 'ENOTDIR':
      return new MachineError(
        'ERR_NOT_FOUND',
        `could not ${doing}: no such file or directory`,
        options('check the path'),
      )
    default:
      return new MachineError(
        'ERR_IO',
        `could not ${doing}: ${reason}`,
        options('check the disk, then run the same command again'),
      )
  }
}

/** A failed system call is the machine's; anything else that is not one of ours is a defect of ours. */
export function asOemBakeError(error: unknown): OemBakeError {
  if (error instanceof OemBakeError) return error
  if (isErrnoException(error) && error.syscall !== undefined) return fileError(error, doing(error))
  return new InternalError('ERR_INTERNAL', error instanceof Error ? error.message : String(error), {
    hint: 'this is a defect of oem-bake; please report it with the command and OEM_BAKE_DEBUG=1 output',
    cause: error,
  })
}

/** Libraries read files of their own, and don't say what for: yargs its texts. */
function doing({ path, syscall }: NodeJS.ErrnoException): string {
  return path === undefined ? `${syscall}` : `${syscall} ${path}`
}
