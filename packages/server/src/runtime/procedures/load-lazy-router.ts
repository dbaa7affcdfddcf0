import { withinDeadline } from '../context/deadline.ts'
import type { InvocationContext } from '../context/runtime-context.ts'
import type { Server } from '../context/served-application.ts'

/**
 * Loads the lazy routers on the path to a procedure, so that its `meta` is known before it runs. Does nothing for an
 * unknown path. Throws what loading throws.
 */
export function loadProcedure({ server, deadline }: InvocationContext, path: string): Promise<void> {
  return withinDeadline(deadline, loadRouters(server, path))
}

/** Whether the procedure at a path is known, so that nothing needs to be loaded. */
export function isLoaded(server: Server, path: string): boolean {
  return Object.hasOwn(server.router._def.procedures, path)
}

/** The same without a deadline. */
export async function loadRouters(server: Server, path: string): Promise<void> {
  const { procedures, lazy } = server.router._def
  while (!Object.hasOwn(procedures, path)) {
    const name = Object.keys(lazy).find((known) => path.startsWith(`${known}.`))
    if (name === undefined) return
    await lazy[name]?.load() // a loaded router is removed from `lazy`
  }
}
