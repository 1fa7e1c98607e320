/** What the codecs take: an opened image that has passed through the trust stage. */
import type { TrustRequest } from '#src/request.js'
import { openImage } from '#src/source/source.js'
import { type VerifiedImage, verifyOrigin } from '#src/trust/verify.js'
import { testContext } from './context.js'

export async function withVerifiedImage<T>(
  path: string,
  run: (image: VerifiedImage) => Promise<T>,
  request: TrustRequest = {},
): Promise<T> {
  await using opened = await openImage(path)
  return await run(await verifyOrigin(opened, request, testContext()))
}

/** Calls `run` for each item, a few at a time: children of two programs at once keep both cores busy. */
export async function forEachOf<T>(items: readonly T[], run: (item: T) => Promise<void>, atOnce = 3): Promise<void> {
  const queue = [...items]
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      for (let item = queue.shift(); item !== undefined; item = queue.shift()) await run(item)
    }),
  )
}
