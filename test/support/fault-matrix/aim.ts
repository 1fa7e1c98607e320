/**
 * What the tests and the program under test have to agree about: which operation is to fail, and how.
 *
 * An operation is known by its key: the kind of thread, the function of Node's, and the place in the file tree, written so
 * that it is the same in every run. Threads interleave, so "the nth operation of the run" would be another one each time;
 * the nth of a key is not.
 */

/** Name of the environment variable that carries an {@link Order}, as JSON. */
export const ORDER_VARIABLE = 'OEM_BAKE_TEST_FAULT'

export interface OperationKey {
  /** `main`, or the file that a worker thread runs. */
  readonly thread: string
  /** `open`, `FileHandle.read`, `readSync`, `spawn`… as Node calls it. */
  readonly operation: string
  readonly place: string
}

export type FaultKind =
  /** The system call's error. */
  | 'EIO'
  | 'ENOSPC'
  | 'EACCES'
  | 'EPERM'
  /** Half of the bytes that were asked for are read or written: no error. */
  | 'short'
  /** The file ends here: no error. */
  | 'nothing'
  /** `existsSync` knows no errors. */
  | 'false'
  /** A child that is there, and then isn't: at once, or when its first output comes. */
  | 'killed'
  | 'killed late'

export interface Aim extends OperationKey {
  /** Counted from 1 over all threads of the kind. */
  readonly nth: number
  readonly kind: FaultKind
}

export interface Order {
  /** Directories by the names that places have for them; what lies elsewhere is told by its absolute path. */
  readonly roots: Readonly<Record<string, string>>
  /** Gets a line for each operation, or for the one that was made to fail. */
  readonly log: string
  /** @default nothing fails, everything is written down */
  readonly aim?: Aim | undefined
}

/** The line of an operation: its key, and the path or paths as the system knows them. */
export interface LogLine extends OperationKey {
  readonly paths: readonly string[]
}

export const keyOf = ({ operation, place, thread }: OperationKey): string => `${thread}: ${operation} ${place}`
