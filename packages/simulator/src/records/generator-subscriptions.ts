import type { FaultPlan } from '../kernel/fault-plan.ts'
import { HandlerFailure } from '../kernel/handler-failure.ts'
import type { Kernel } from '../kernel/kernel.ts'
import type { Report } from '../kernel/report.ts'
import type { GeneratorInput } from './application.ts'
import type { GeneratorEvent, GeneratorPath, GeneratorSubscription, History } from './history.ts'

/** The generator actions of a device. */
export interface GeneratorActions {
  subscribeGenerator(path: GeneratorPath, input: GeneratorInput): GeneratorSubscription
  unsubscribeGenerator(record: GeneratorSubscription): void
}

/** Creates the generator part of a device's application. */
export function createGeneratorSubscriptions(options: {
  readonly name: string
  readonly plan: FaultPlan
  readonly kernel: Kernel
  readonly history: History
  readonly report: Report
  readonly client: GeneratorClient
  /** True for tRPC's own client. */
  readonly isStock: boolean
  readonly codeOf: (error: Error) => string
  readonly isClosed: () => boolean
}): GeneratorActions {
  const { name, plan, kernel, history, report, client, isStock, codeOf, isClosed } = options
  const stops = new Map<GeneratorSubscription, () => void>()
  const subscribeTo = {
    ticks: (input: GeneratorInput, { onData, ...others }: Listener<Value>) =>
      client.ticks.subscribe(input, { ...others, onData: ({ data }) => onData(data) }),
    words: (input: GeneratorInput, listener: Listener<Value>) => client.words.subscribe(input, listener),
    observed: (input: GeneratorInput, listener: Listener<Value>) => client.observed.subscribe(input, listener),
  } satisfies Record<GeneratorPath, unknown>

  function subscribeGenerator(path: GeneratorPath, input: GeneratorInput): GeneratorSubscription {
    const record: GeneratorSubscription = {
      device: name,
      path,
      input,
      isStock,
      at: kernel.now,
      events: [],
      ended: undefined,
    }
    const recordEvent = (event: GeneratorEvent) => {
      kernel.note(`${name} ${input.name} ${event.kind} ${'n' in event ? `${event.run}.${event.n}` : ''}`)
      if (record.ended !== undefined)
        report.break('H12', `${name} ${path} ${input.name} received ${event.kind} after its end`)
      record.events.push(event)
    }
    history.generatorSubscriptions.push(record)
    const subscription = subscribeTo[path](input, {
      onStarted: () => recordEvent({ kind: 'started', at: kernel.now }),
      onData: ({ run, n }: Value) => {
        recordEvent({ kind: 'value', at: kernel.now, run, n })
        // tRPC's own client does not catch a handler's exception
        if (!isStock && plan.strikes('F44')) throw new HandlerFailure()
      },
      onGap: () => recordEvent({ kind: 'gap', at: kernel.now }),
      onError: (error: Error) => {
        recordEvent({ kind: 'error', at: kernel.now, code: codeOf(error), message: error.message })
        record.ended = isClosed() ? 'closed' : 'error'
      },
      onComplete: () => {
        if (record.ended !== undefined) return // the application unsubscribed
        recordEvent({ kind: 'done', at: kernel.now })
        record.ended = 'done'
      },
    })
    stops.set(record, () => subscription.unsubscribe())
    return record
  }

  return {
    subscribeGenerator,
    unsubscribeGenerator(record) {
      if (record.ended !== undefined) return
      record.ended = 'stopped'
      stops.get(record)?.()
    },
  }
}

interface Value {
  readonly run: number
  readonly n: number
}

interface Listener<T> {
  readonly onData: (value: T) => void
  readonly onError: (error: Error) => void
  readonly onStarted: () => void
  readonly onGap: () => void
  readonly onComplete: () => void
}

interface Subscribable<T> {
  subscribe(input: GeneratorInput, listener: Listener<T>): { unsubscribe(): void }
}

/** The client methods for generators, of our client or of tRPC's own, which has no gaps. */
export interface GeneratorClient {
  readonly ticks: Subscribable<{ readonly data: Value }>
  readonly words: Subscribable<Value>
  readonly observed: Subscribable<Value>
}
