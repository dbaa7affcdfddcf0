import type { AnyTRPCRouter } from '@trpc/server'
import type { LocalLine } from './local-line.ts'

/** A line between its start and its close. */
export type RunningLine<R extends AnyTRPCRouter> = Omit<LocalLine<R>, 'reopen'>

/**
 * Wraps a line so that it can be started again on its port. `reopen` replaces the inner line, so each member is read
 * from it at each use.
 */
export async function toReopenable<R extends AnyTRPCRouter>(
  start: (port: number | undefined) => Promise<RunningLine<R>>,
  givenPort: number | undefined,
): Promise<LocalLine<R>> {
  let line = await start(givenPort)
  let closed: Promise<void> | undefined
  const { url, httpUrl } = line
  const close = () => {
    closed ??= line.close()
    return closed
  }
  return {
    url,
    httpUrl,
    connect: (options) => line.connect(options),
    run: (fn) => line.run(fn),
    get environment() {
      return line.environment
    },
    table: (table, handler) => line.table(table, handler),
    get faults() {
      return line.faults
    },
    clock: { now: () => line.clock.now(), advance: (by) => line.clock.advance(by) },
    idle: () => line.idle(),
    notify: () => line.notify(),
    async reopen() {
      if (closed === undefined) return
      await closed
      line = await start(Number(new URL(url).port))
      closed = undefined
    },
    close,
    [Symbol.asyncDispose]: close,
  }
}
