import { withinDeadline } from './deadline.ts'
import type { ServedScope } from './scope.ts'

/** Loads the lazy routers on the way to a procedure, so that its `meta` and its validators are known before anything is claimed for it (law 9). Does nothing for a path that leads nowhere; throws what loading throws. */
export async function loadProcedure({ server, deadline }: ServedScope, path: string): Promise<void> {
  const { procedures, lazy } = server.router._def
  while (!Object.hasOwn(procedures, path)) {
    const name = Object.keys(lazy).find((known) => path.startsWith(`${known}.`))
    if (name === undefined) return
    await withinDeadline(deadline.signal, Promise.resolve(lazy[name]?.load())) // a loaded one leaves `lazy`
  }
}
