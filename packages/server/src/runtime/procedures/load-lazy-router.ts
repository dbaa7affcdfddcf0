import { withinDeadline } from '../context/deadline.ts'
import type { InvocationContext } from '../context/scope.ts'
import type { Server } from '../context/served-application.ts'

/**
 * Loads the lazy routers on the way to a procedure, so that its `meta` is known before anything is done for it. Does
 * nothing for a path that leads nowhere; throws what loading throws.
 */
export function loadProcedure({ server, deadline }: InvocationContext, path: string): Promise<void> {
  return withinDeadline(deadline.signal, loadRouters(server, path))
}

/** The same without a deadline. */
export async function loadRouters(server: Server, path: string): Promise<void> {
  const { procedures, lazy } = server.router._def
  while (!Object.hasOwn(procedures, path)) {
    const name = Object.keys(lazy).find((known) => path.startsWith(`${known}.`))
    if (name === undefined) return
    await lazy[name]?.load() // a loaded one leaves `lazy`
  }
}
