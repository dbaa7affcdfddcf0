import { SUBPROTOCOL } from '@trunkline/protocol'

/** What a socket without a network is connected to. */
export interface MemoryGateway {
  /** Resolves with the text that answers the message; `{}` for none. */
  message(connectionId: string, text: string): Promise<string>
  connect(socket: MemorySocket, protocols: readonly string[]): Promise<void>
  disconnect(connectionId: string): Promise<void>
}

let serial = 0

/** The platform's WebSocket, whose frames are function calls. */
export class MemorySocket extends EventTarget {
  static readonly CONNECTING = 0
  static readonly OPEN = 1
  static readonly CLOSING = 2
  static readonly CLOSED = 3
  static gateway: MemoryGateway
  readonly protocol = SUBPROTOCOL
  readonly connectionId: string
  readyState = MemorySocket.CONNECTING

  constructor(_url: string, protocols: string | readonly string[] = []) {
    super()
    serial += 1
    this.connectionId = `c${serial}=`
    void MemorySocket.gateway.connect(this, [protocols].flat()).then(() => {
      this.readyState = MemorySocket.OPEN
      this.dispatchEvent(new Event('open'))
    })
  }

  send(text: string): void {
    void MemorySocket.gateway.message(this.connectionId, text).then((answer) => {
      if (answer !== '{}') this.receive(answer)
    })
  }

  receive(text: string): void {
    if (this.readyState === MemorySocket.OPEN) this.dispatchEvent(new MessageEvent('message', { data: text }))
  }

  close(): void {
    if (this.readyState === MemorySocket.CLOSED) return
    this.readyState = MemorySocket.CLOSED
    void MemorySocket.gateway.disconnect(this.connectionId)
    this.dispatchEvent(Object.assign(new Event('close'), { code: 1_000, reason: '', wasClean: true }))
  }
}
