import type { FaultPlan } from '../kernel/fault-plan.ts'
import { HandlerFailure } from '../kernel/handler-failure.ts'
import type { Kernel } from '../kernel/kernel.ts'
import type { Report } from '../kernel/report.ts'
import type { Asked } from './application.ts'
import type { GeneratorPath, History, Listening, Word } from './history.ts'

/** What a device does about generators. */
export interface Listens {
  listen(path: GeneratorPath, asked: Asked): Listening
  quit(listening: Listening): void
}

/** The part of a device's application that listens to generators. */
export function createListenings(options: {
  readonly name: string
  readonly plan: FaultPlan
  readonly kernel: Kernel
  readonly history: History
  readonly report: Report
  readonly client: GeneratorClient
  /** It is tRPC's own. */
  readonly isStock: boolean
  readonly codeOf: (error: Error) => string
  readonly isClosed: () => boolean
}): Listens {
  const { name, plan, kernel, history, report, client, isStock, codeOf, isClosed } = options
  const stops = new Map<Listening, () => void>()
  const subscribeTo = {
    ticks: (asked: Asked, { onData, ...others }: Listener<Value>) =>
      client.ticks.subscribe(asked, { ...others, onData: ({ data }) => onData(data) }),
    words: (asked: Asked, listener: Listener<Value>) => client.words.subscribe(asked, listener),
    observed: (asked: Asked, listener: Listener<Value>) => client.observed.subscribe(asked, listener),
  } satisfies Record<GeneratorPath, unknown>

  function listen(path: GeneratorPath, asked: Asked): Listening {
    const listening: Listening = { device: name, path, asked, isStock, at: kernel.now, words: [], ended: undefined }
    const told = (word: Word) => {
      kernel.note(`${name} ${asked.name} ${word.kind} ${'n' in word ? `${word.run}.${word.n}` : ''}`)
      if (listening.ended !== undefined)
        report.break('H12', `${name} ${path} ${asked.name} was told ${word.kind} after its end`)
      listening.words.push(word)
    }
    history.listenings.push(listening)
    const subscription = subscribeTo[path](asked, {
      onStarted: () => told({ kind: 'started', at: kernel.now }),
      onData: ({ run, n }: Value) => {
        told({ kind: 'value', at: kernel.now, run, n })
        if (!isStock && plan.strikes('F44')) throw new HandlerFailure() // tRPC's own client keeps no handler's throw to itself
      },
      onGap: () => told({ kind: 'gap', at: kernel.now }),
      onError: (error: Error) => {
        told({ kind: 'error', at: kernel.now, code: codeOf(error), message: error.message })
        listening.ended = isClosed() ? 'closed' : 'error'
      },
      onComplete: () => {
        if (listening.ended !== undefined) return // the application ended it
        told({ kind: 'done', at: kernel.now })
        listening.ended = 'done'
      },
    })
    stops.set(listening, () => subscription.unsubscribe())
    return listening
  }

  return {
    listen,
    quit(listening) {
      if (listening.ended !== undefined) return
      listening.ended = 'stopped'
      stops.get(listening)?.()
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
  subscribe(asked: Asked, listener: Listener<T>): { unsubscribe(): void }
}

/** As much of a client as listens to generators: ours, or tRPC's own, which knows no gaps. */
export interface GeneratorClient {
  readonly ticks: Subscribable<{ readonly data: Value }>
  readonly words: Subscribable<Value>
  readonly observed: Subscribable<Value>
}
