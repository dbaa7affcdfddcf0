import type { Wire } from '../gateway/connection.ts'
import type { SimulatedGateway } from '../gateway/gateway.ts'

type Listener = (event: { readonly data?: string; readonly code?: number; readonly reason?: string }) => void

/** Creates `WebSocket`s that connect to a simulated gateway, and tracks the open ones. */
export interface WebSocketMaker {
  readonly WebSocket: typeof WebSocket
  readonly open: ReadonlySet<Wire>
}

/** Implements the members of the class that tRPC's client uses. */
export function createWebSocketMaker(gateway: SimulatedGateway, device: string): WebSocketMaker {
  const open = new Set<Wire>()
  class SimulatedWebSocket {
    static readonly CONNECTING = 0
    static readonly OPEN = 1
    static readonly CLOSING = 2
    static readonly CLOSED = 3
    readonly OPEN = 1
    readyState = 0
    readonly #listeners = new Map<string, Set<Listener>>()
    readonly #wire: Wire
    constructor() {
      this.#wire = gateway.connect(device, [], {
        opened: () => {
          if (this.readyState !== 0) return
          this.readyState = 1
          this.#notify('open', {})
        },
        message: (data) => this.readyState === 1 && this.#notify('message', { data }),
        lost: (code = 1006, reason) => this.#end(code, reason),
      })
      open.add(this.#wire)
    }
    addEventListener(type: string, listener: Listener): void {
      const listeners = this.#listeners.get(type) ?? new Set()
      this.#listeners.set(type, listeners)
      listeners.add(listener)
    }
    removeEventListener(type: string, listener: Listener): void {
      this.#listeners.get(type)?.delete(listener)
    }
    send(text: string): void {
      this.#wire.send(text)
    }
    close(): void {
      if (this.readyState > 1) return
      this.#wire.close()
      this.#end(1000, '')
    }
    #end(code: number, reason: string): void {
      open.delete(this.#wire)
      if (this.readyState === 3) return
      const wasConnecting = this.readyState === 0
      this.readyState = 3
      if (wasConnecting) this.#notify('error', {}) // as browsers do; the client needs no other event
      this.#notify('close', { code, reason })
    }
    #notify(type: string, event: Parameters<Listener>[0]): void {
      for (const listener of [...(this.#listeners.get(type) ?? [])]) listener(event)
    }
  }
  const Maker = SimulatedWebSocket as unknown as typeof WebSocket // tRPC's client does not use the rest of the class
  return { WebSocket: Maker, open }
}
