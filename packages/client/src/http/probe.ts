import { type AnswerFrame, decodeServerMessage, type ServerFrame } from '@trunkline/protocol'
import type { FallbackOptions, FallbackSession } from '../connection/fallback.ts'
import type { Socket } from '../connection/socket.ts'

const probeMs = 15_000 // for the handshake and the answer to `hello`
const helloId = 'probe'

/** What the owner of a socket is called with. */
export type SocketSink = Pick<FallbackOptions, 'onOpen' | 'onMessage' | 'onLost'>

/** A socket whose `hello` was answered, and the answer. From `connect` on it reports to another owner. */
export interface GreetedProbe {
  readonly hello: object
  connect(sink: SocketSink): Socket
}

interface ProbeOwner {
  onGreeted(): void
  onFailed(): void
}

/**
 * An attempt to open a socket while a connection over HTTP is in use. It is no part of the session until its `hello` is
 * answered, so that its failure costs nothing. [TL-MOVE-7]
 */
export class Probe {
  readonly #socket: Socket | undefined
  readonly #cancel: () => void
  #sink: SocketSink
  #hello: object | undefined
  #isTaken = false

  constructor({ environment, createSocket }: FallbackSession, options: FallbackOptions, owner: ProbeOwner) {
    this.#sink = {
      onOpen: () => this.#socket?.send(JSON.stringify({ id: helloId, method: 'hello' })),
      onMessage: (text) => this.#onMessage(text, owner),
      onLost: () => owner.onFailed(),
    }
    this.#cancel = environment.after(probeMs, () => owner.onFailed())
    this.#socket = createSocket?.({
      WebSocket: options.WebSocket,
      after: options.after,
      endpoint: () => options.endpoint(true),
      onOpen: () => this.#sink.onOpen(),
      onMessage: (text, maxBytes) => this.#sink.onMessage(text, maxBytes),
      onLost: (cause) => this.#sink.onLost(cause),
    })
  }

  start(): void {
    this.#socket?.admit()
  }

  /** The socket and its answer, if it is greeted. The probe does not own it any more. */
  take(): GreetedProbe | undefined {
    const [socket, hello] = [this.#socket, this.#hello]
    if (socket === undefined || hello === undefined || this.#isTaken) return undefined
    this.#isTaken = true
    this.#cancel()
    const connect = (sink: SocketSink) => {
      this.#sink = sink
      return socket
    }
    return { hello, connect }
  }

  close(): void {
    this.#cancel()
    if (!this.#isTaken) this.#socket?.close()
  }

  #onMessage(text: unknown, owner: ProbeOwner): void {
    const message = decodeServerMessage(text)
    const hello = message.ok ? message.frames.find(isHello) : undefined
    if (hello?.result.type !== 'hello') return
    this.#hello = hello.result
    if (hello.result.refused === undefined) owner.onGreeted()
    else owner.onFailed()
  }
}

function isHello(frame: ServerFrame): frame is AnswerFrame {
  return 'result' in frame && frame.id === helloId && frame.result.type === 'hello'
}
