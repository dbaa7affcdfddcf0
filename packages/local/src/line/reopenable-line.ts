import type { AnyTRPCRouter } from '@trpc/server'
import type { LocalLine } from './local-line.ts'

/** A line from its start to its close. */
export type RunningLine<R extends AnyTRPCRouter> = Omit<LocalLine<R>, 'reopen'>

/** A line that can be started anew on its port. What it is made of is another then: its members are asked for each time. */
export async function toReopenable<R extends AnyTRPCRouter>(
  start: (port: number | undefined) => Promise<RunningLine<R>>,
  givenPort: number | undefined,
): Promise<LocalLine<R>> {
  let line = await start(givenPort)
  let closed: Promise<void> | undefined
  const { url } = line
  const close = () => {
    closed ??= line.close()
    return closed
  }
  return {
    url,
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
