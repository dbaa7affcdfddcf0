import type { Unsubscribable } from '@trpc/server/observable'
import type { ChatTransport, UIMessage, UIMessageChunk } from 'ai'
import type { Gap } from './session/machine/gap.ts'
import { callContext } from './trpc/call-options.ts'
import type { Subscribable } from './trpc/iterate.ts'

/** What the AI SDK passes when the user sends a message or asks for another answer. */
export type ChatRequest<M extends UIMessage = UIMessage> = Parameters<ChatTransport<M>['sendMessages']>[0]

/** What the AI SDK passes when a page wants the answer that is in progress. */
export type ResumeRequest = Parameters<ChatTransport<UIMessage>['reconnectToStream']>[0]

/** A subscription to chunks of the AI SDK. tRPC changes their types a little, so only `type` is compared. */
export type WatchAnswer<K> = Subscribable<K, { readonly data: { readonly type: UIMessageChunk['type'] } }>

/** `K` is the key of one answer's stream: the input of `watch`. */
export interface ChatTransportOptions<K, M extends UIMessage = UIMessage> {
  /**
   * The subscription to the stream of an answer, such as `client.answer.watch`. Declare its chunks as
   * `z.custom<UIMessageChunk>()`.
   */
  readonly watch: WatchAnswer<K>
  /** Starts the stream of an answer by a mutation, and returns the key of the stream. */
  readonly start: (request: ChatRequest<M>) => Promise<NoInfer<K>>
  /**
   * Finds the answer that a page shows after a refresh or in a second tab. Returns the key of its stream, or null if
   * the chat has no answer in progress. An answer that has ended is shown too, from its first chunk.
   */
  readonly resume: (request: ResumeRequest) => Promise<NoInfer<K> | null>
  /** Stops the stream of an answer by a mutation. Called when the chat's `stop()` aborts the request. */
  readonly stop: (key: NoInfer<K>) => Promise<unknown>
  /** Called when `stop` fails: the answer is then still being written. @default `console.error` */
  readonly onStopError?: (error: unknown) => void
}

/**
 * Creates a transport for `useChat` and `Chat` of the AI SDK (`ai` 6 and 7), whose answers are streams of a line.
 *
 * An answer survives a refresh and a lost connection: `resumeStream()`, or `resume: true`, shows all of it from its
 * first chunk. The chat's `stop()` stops the stream for all readers; a page that closes does not. `useChat` also calls
 * `stop()` when its component unmounts, unless it gets a `Chat` of the application: `useChat({ chat })`.
 *
 * The chat gets as `error` what the subscription fails with: `trunklineError(error)?.code` is `STREAM_LOST` if the
 * function of the answer was lost. If the answer began again (`onLost: 'restart'`) or lacks chunks, its error has the
 * gap as `cause`; `resumeStream()` then shows the new answer.
 */
export function createChatTransport<K, M extends UIMessage = UIMessage>(
  options: ChatTransportOptions<K, M>,
): ChatTransport<M> {
  const { watch, start, resume, stop, onStopError = console.error } = options
  const resumed = new Map<string, AbortSignal | undefined>() // the newest resume of each chat, until it ends

  /** Calls `stop`, and reports its failure: nobody waits for it. */
  const stopStream = async (key: K) => {
    try {
      await stop(key)
    } catch (error) {
      onStopError(error)
    }
  }

  return {
    resumeStreamIsReplay: true,

    async sendMessages(request) {
      const key = await start(request)
      return readStream(watch, key, { signal: request.abortSignal, onAbort: () => void stopStream(key) })
    },

    async reconnectToStream(request) {
      const { chatId, abortSignal: signal } = request
      resumed.set(chatId, signal)
      const isNewest = () => resumed.get(chatId) === signal
      const onEnd = () => isNewest() && resumed.delete(chatId)
      // A chat that resumes again aborts its resume before, and calls this method again at once. That is no stop.
      const onAbort = (key: K) => queueMicrotask(() => isNewest() && onEnd() && void stopStream(key))
      try {
        const key = await resume(request)
        if (key !== null) return readStream(watch, key, { signal, onAbort: () => onAbort(key), onEnd })
      } catch (error) {
        onEnd()
        throw error
      }
      onEnd()
      return null
    },
  }
}

interface ReadOptions {
  readonly signal: AbortSignal | undefined
  /** Called once when the signal aborts before the end, also if it has aborted already. */
  readonly onAbort: () => void
  /** Called at the end of the stream and when its reader cancels it, not after an abort. */
  readonly onEnd?: () => void
}

/** Subscribes to a stream. It ends with the stream, with its reader, or when the signal aborts. */
function readStream<K>(
  watch: WatchAnswer<K>,
  key: K,
  { signal, onAbort, onEnd }: ReadOptions,
): ReadableStream<UIMessageChunk> {
  let subscription: Unsubscribable | undefined
  let ended = false
  let begun = false
  const end = (last: () => void, after = onEnd) => {
    if (ended) return
    ended = true
    signal?.removeEventListener('abort', onSignal)
    subscription?.unsubscribe()
    last()
    after?.()
  }
  let onSignal = () => {}
  return new ReadableStream<UIMessageChunk>({
    start(controller) {
      onSignal = () => end(() => controller.close(), onAbort)
      if (signal?.aborted) return onSignal()
      signal?.addEventListener('abort', onSignal)
      const onGap = (gap: Gap) => {
        if (begun || gap.reason === 'not-resumable') end(() => controller.error(gapError(gap)))
      }
      const callbacks = {
        onData({ data }: { readonly data: { readonly type: UIMessageChunk['type'] } }) {
          begun = true
          if (!ended) controller.enqueue(data as UIMessageChunk) // the JSON of one
        },
        onError: (error: unknown) => end(() => controller.error(error)),
        onComplete: () => end(() => controller.close()),
        context: callContext({
          onGap,
          onOutcome: (outcome) => {
            if (outcome === 'stopped' && !ended) controller.enqueue({ type: 'abort' })
          },
        }),
      }
      subscription = watch.subscribe(key, callbacks)
      if (ended) subscription.unsubscribe() // it ended before `subscribe` returned
    },
    cancel: () => end(() => {}),
  })
}

function gapError(gap: Gap): Error {
  const what = gap.reason === 'not-resumable' ? 'Chunks of the answer are missing' : 'The answer does not continue'
  return new Error(`${what} (${gap.reason}). Call resumeStream() to read it from its first chunk.`, { cause: gap })
}
