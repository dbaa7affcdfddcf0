import { callContext, type Gap } from '@trunkline/client'
import { defined } from '@trunkline/protocol'
import { formatJson, type Io } from '../definition/io.ts'
import type { LineCaller } from './connect.ts'
import { toFacts } from './failure.ts'

interface FollowSettings {
  readonly path: string
  readonly input: unknown
  readonly io: Io
  /** Ends after this number of events. @default never */
  readonly count?: number
}

/**
 * Subscribes and prints what arrives as lines of JSON. Resolves to the exit code: 0 at the end of the subscription,
 * after `count` events and when the user interrupts it; 1 for an error.
 */
export function follow({ client, connection, unreachable }: LineCaller, settings: FollowSettings): Promise<number> {
  const { path, input, io, count = Number.POSITIVE_INFINITY } = settings
  const print = (line: object) => io.print(formatJson(line))
  return new Promise((resolve) => {
    let seen = 0
    let hasFailed = false
    let stop = () => {}
    const end = (code: number) => {
      stop() // does nothing yet for a refusal before the subscription is returned, such as of an input that is too large
      stopStates()
      resolve(code)
    }
    const fail = (error: unknown) => {
      if (hasFailed) return // a refused connection fails the subscription too
      hasFailed = true
      print({ type: 'error', ...toFacts(error) })
      end(1)
    }
    const stopStates = connection.subscribe((state) => {
      const cause = 'cause' in state ? state.cause : undefined
      if (io.isJson) print({ type: 'connection', status: state.status, ...defined({ cause: cause?.message }) })
      else if (state.status === 'reconnecting') io.note(`reconnecting: ${cause?.message}`)
    })
    const subscription = client.subscription(path, input, {
      onStarted: () => (io.isJson ? print({ type: 'started' }) : io.note('started')),
      onData(value) {
        if (seen >= count) return // those that came with the last one
        seen += 1
        print({ type: 'event', ...toEvent(value) })
        if (seen >= count) queueMicrotask(() => end(0)) // `stop` may not be set yet
      },
      onError: fail,
      onComplete() {
        print({ type: 'ended' })
        end(0)
      },
      context: callContext({
        onGap: ({ reason, lastEventId }: Gap) => print({ type: 'gap', reason, lastEventId }),
        onPending: ({ code, message }) => io.note(`waiting: ${code}: ${message}`),
      }),
    })
    stop = () => subscription.unsubscribe()
    unreachable.catch(fail)
    io.interrupted.addEventListener('abort', () => end(0), { once: true })
    if (io.interrupted.aborted) end(0)
  })
}

/** An event of a log has an id; a value of a generator may have none. */
function toEvent(value: unknown): { readonly id?: string; readonly data: unknown } {
  const { id, data } = (Object(value) ?? {}) as { readonly id?: unknown; readonly data?: unknown }
  const isTracked =
    typeof id === 'string' && Object.keys(Object(value)).every((name) => name === 'id' || name === 'data')
  return isTracked ? { id, data } : { data: value }
}
