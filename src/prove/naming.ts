/**
 * Two images are open at once: an error of one of them says which.
 */
import { ImageError, type OemBakeError, UnsupportedError } from '../errors.js'

/** Runs a step on one of the images. */
export async function ofImage<T>(name: string, use: () => Promise<T>): Promise<T> {
  try {
    return await use()
  } catch (error) {
    if (error instanceof ImageError) throw new ImageError(error.code, worded(name, error), told(error))
    if (error instanceof UnsupportedError) throw new UnsupportedError(error.code, worded(name, error), told(error))
    throw error
  }
}

function worded(name: string, { message }: OemBakeError): string {
  return message.includes(name) ? message : `${name}: ${message}`
}

function told(error: OemBakeError) {
  return { hint: error.hint, details: error.details, cause: error }
}
