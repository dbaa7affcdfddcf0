import type { RuntimeContext } from './runtime-context.ts'
import { toTRPCError } from './to-trpc-error.ts'

/**
 * Reports a failed delivery to the application's `onError`, as one of procedure `path` where one is known. Does nothing
 * in a script, which serves no application. Never throws.
 */
export function reportDelivery(
  { server }: Pick<RuntimeContext, 'server'>,
  path: string | undefined,
  thrown: unknown,
): void {
  server?.report({ error: toTRPCError(thrown), path, cause: 'delivery' })
}
