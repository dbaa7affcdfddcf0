import { type SubscriberSource, sourceOf } from './failure-source.ts'
import type { RuntimeContext } from './runtime-context.ts'
import { toTRPCError } from './to-trpc-error.ts'

/**
 * Reports a failed delivery to the application's `onError`: of one subscription, or of none where it concerns several.
 * Does nothing in a script, which serves no application. Never throws.
 */
export function reportDelivery(
  { server }: Pick<RuntimeContext, 'server'>,
  row: (SubscriberSource & { readonly path: string }) | undefined,
  thrown: unknown,
): void {
  server?.report({ error: toTRPCError(thrown), path: row?.path, cause: 'delivery', ...sourceOf(row) })
}
