import { TRPCError } from '@trpc/server'
import type { ConnectionCaller } from '../context/caller.ts'
import type { InvocationContext } from '../context/runtime-context.ts'
import type { Server } from '../context/served-application.ts'
import { loadProcedure } from './load-lazy-router.ts'
import { procedureOf } from './run-procedure.ts'

/**
 * Throws UNAUTHORIZED if the caller is anonymous and the procedure is not open to anonymous callers. Runs nothing of the
 * application. A path that the router does not have is left to the call itself. [TL-HS-8]
 */
export async function checkAnonymous(
  context: InvocationContext,
  { principal }: Pick<ConnectionCaller, 'principal'>,
  path: string,
): Promise<void> {
  const { server } = context
  if (isOpenTo(server, { principal })) return
  await loadProcedure(context, path)
  const procedure = procedureOf(server, path)
  if (procedure === undefined || procedure._def.meta?.anonymous === true) return
  throw new TRPCError({
    code: 'UNAUTHORIZED',
    message: `Expected a caller with a name for "${path}", and this connection is anonymous. Connect with a token, or open the procedure to anonymous callers by meta({ anonymous: true }).`,
  })
}

/** Whether every procedure is open to the caller, as far as it matters that the caller is anonymous. */
export function isOpenTo({ anonymousMay }: Server, { principal }: Pick<ConnectionCaller, 'principal'>): boolean {
  return principal !== null || anonymousMay === 'everything'
}
