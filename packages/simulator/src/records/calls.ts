import { type createClient, trunklineError } from '@trunkline/client'
import { defined } from '@trunkline/protocol'
import type { Kernel } from '../kernel/kernel.ts'
import type { Application } from './application.ts'
import type { CallPath, CallRecord, History } from './history.ts'

/** Makes calls and records their outcomes. */
export type MakeCall = (
  path: CallPath,
  room: string,
  options: {
    readonly n: number
    readonly key?: 'auto' | 'none' | string
    readonly orderingKey?: string | undefined
    readonly pad?: number
  },
) => void

/**
 * Creates the calls of a device's application. `deviceNow` is the device's own time, and `principal` who uses it now.
 */
export function createCalls({
  name,
  kernel,
  history,
  client,
  deviceNow,
  principal,
}: {
  readonly name: string
  readonly kernel: Kernel
  readonly history: History
  readonly client: ReturnType<typeof createClient<Application>>
  readonly deviceNow: () => number
  readonly principal: () => string | undefined
}): MakeCall {
  return (path, room, { n, key = 'auto', orderingKey, pad }) => {
    const record: CallRecord = {
      ...{
        device: name,
        principal: principal() ?? null,
        path,
        room,
        n,
        key,
        orderingKey,
        at: kernel.now,
        deviceAt: deviceNow(),
      },
      ...{ settledAt: undefined, deviceSettledAt: undefined, settled: 0, answer: undefined },
    }
    history.calls.push(record)
    const settle = (answer: NonNullable<CallRecord['answer']>) => {
      kernel.note(`${name} ${path} ${n} ${'error' in answer ? `failed ${answer.code ?? answer.error}` : 'answered'}`)
      record.settled += 1
      record.settledAt ??= kernel.now
      record.deviceSettledAt ??= deviceNow()
      record.answer = answer
    }
    const idempotencyKey = key === 'auto' ? undefined : key === 'none' ? (false as const) : key
    const padding = pad === undefined ? undefined : 'x'.repeat(pad)
    const call =
      path === 'count'
        ? client.count.query({ room })
        : client[path].mutate(defined({ room, n, pad: padding }), defined({ idempotencyKey, orderingKey }))
    call.then(
      (data: unknown) => settle({ data }),
      (error: unknown) => {
        const { code, mayHaveRun } = trunklineError(error) ?? {}
        settle({ error: String((error as Error).message), code, mayHaveRun })
      },
    )
  }
}
