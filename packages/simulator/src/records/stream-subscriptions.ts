import type { createClient } from '@trunkline/client'
import type { FaultPlan } from '../kernel/fault-plan.ts'
import { HandlerFailure } from '../kernel/handler-failure.ts'
import type { Kernel } from '../kernel/kernel.ts'
import type { Report } from '../kernel/report.ts'
import { type AnswerRef, type Application, answerTopicOf, type StreamInput } from './application.ts'
import type { History, StreamCall, StreamEvent, StreamPath, StreamSubscription } from './history.ts'
import type { PublishedLog } from './published-log.ts'

/** The actions of a device on streams. */
export interface StreamActions {
  watch(path: StreamPath, of: AnswerRef): StreamSubscription
  unwatch(record: StreamSubscription): void
}

/** Creates the subscriptions of a device's application to streams. */
export function createStreamSubscriptions(options: {
  readonly name: string
  readonly plan: FaultPlan
  readonly kernel: Kernel
  readonly history: History
  readonly published: PublishedLog
  readonly report: Report
  readonly client: StreamClient
  /** True for tRPC's own client, which has no gaps and does not catch a handler's exception. */
  readonly isStock: boolean
  readonly codeOf: (error: Error) => string
  readonly isClosed: () => boolean
}): StreamActions {
  const { name, plan, kernel, history, published, report, client, isStock, codeOf, isClosed } = options
  const stops = new Map<StreamSubscription, () => void>()

  function watch(path: StreamPath, of: AnswerRef): StreamSubscription {
    const record: StreamSubscription = { device: name, path, of, isStock, events: [], ended: undefined }
    const topic = answerTopicOf(of)
    const about = `${name} ${path} ${topic}`
    const seen = () => published.of(topic).length
    const recordEvent = (event: StreamEvent) => {
      kernel.note(`${about} ${event.kind} ${'n' in event ? `${event.run}.${event.n}` : ''}`)
      if (record.ended !== undefined) report.break('H12', `${about} received ${event.kind} after its end`)
      record.events.push(event)
    }
    history.streamSubscriptions.push(record)
    let outcome: string | undefined
    const subscription = client[path].subscribe(of, {
      onStarted: () => recordEvent({ kind: 'started', seen: seen() }),
      onData: ({ data: { run, n } }) => {
        recordEvent({ kind: 'chunk', seen: seen(), run, n })
        if (!isStock && plan.strikes('F44')) throw new HandlerFailure()
      },
      onGap: ({ reason }) => recordEvent({ kind: 'gap', seen: seen(), reason }),
      onOutcome: (is) => {
        outcome = is
      },
      onError: (error) => {
        recordEvent({ kind: 'error', seen: seen(), code: codeOf(error), message: error.message })
        record.ended = isClosed() ? 'closed' : 'error'
      },
      onComplete: () => {
        if (record.ended !== undefined) return // the application unsubscribed
        recordEvent({ kind: 'end', seen: seen(), outcome })
        record.ended = 'done'
      },
    })
    stops.set(record, () => subscription.unsubscribe())
    return record
  }

  return {
    watch,
    unwatch(record) {
      if (record.ended !== undefined) return
      record.ended = 'stopped'
      stops.get(record)?.()
    },
  }
}

/** Creates the calls that start and stop streams. */
export function createStreamCalls({
  name,
  kernel,
  history,
  published,
  client,
}: {
  readonly name: string
  readonly kernel: Kernel
  readonly history: History
  readonly published: PublishedLog
  readonly client: ReturnType<typeof createClient<Application>>
}) {
  const record = (kind: StreamCall['kind'], of: AnswerRef, input: StreamInput | undefined, call: Promise<unknown>) => {
    const made: StreamCall = { kind, of, input, answer: undefined }
    history.streamCalls.push(made)
    const settle = (data: unknown, what: string) => {
      kernel.note(`${name} ${kind} ${answerTopicOf(of)} ${what}`)
      if (what === 'answered') made.answer = { data, length: published.of(answerTopicOf(of)).length }
    }
    call.then(
      (data) => settle(data, 'answered'),
      () => settle(undefined, 'failed'),
    )
  }
  return {
    ask: (of: AnswerRef, input: StreamInput) => record('ask', of, input, client.ask.mutate({ ...of, ...input })),
    silence: (of: AnswerRef) => record('silence', of, undefined, client.silence.mutate(of)),
  }
}

interface Listener {
  readonly onStarted: () => void
  readonly onData: (event: { readonly data: { readonly run: number; readonly n: number } }) => void
  readonly onGap: (gap: { readonly reason: string }) => void
  readonly onOutcome: (outcome: 'done' | 'stopped') => void
  readonly onError: (error: Error) => void
  readonly onComplete: () => void
}

/** The client methods for streams, of our client or of tRPC's own, which has neither gaps nor outcomes. */
export type StreamClient = Readonly<
  Record<StreamPath, { subscribe(of: AnswerRef, listener: Listener): { unsubscribe(): void } }>
>
