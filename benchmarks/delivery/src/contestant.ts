/** One event of the workload. */
export interface Event {
  readonly publisher: number
  /** Counts from 1 for each publisher. */
  readonly n: number
  readonly text: string
}

/** A library in the benchmark: how it is used, and the documents that say so. */
export interface Contestant {
  readonly id: string
  readonly name: string
  /** The pages whose advice the code follows. */
  readonly documents: readonly string[]
  /** The reconnect delay of its client. */
  readonly reconnect: string
  start(): Promise<Rival>
}

/** A contestant whose server is running. */
export interface Rival {
  /** The port of its server. Clients connect through a proxy. */
  readonly port: number
  /** Resolves when the server has accepted the subscription. */
  subscribe(port: number, callbacks: SubscriberCallbacks): Promise<Client>
  publisher(port: number): Promise<Publisher>
  /** The events that the server accepted, in order. An event that took effect twice is in it twice. */
  log(): Promise<readonly Event[]>
  close(): Promise<void>
}

export interface SubscriberCallbacks {
  onEvent(event: Event): void
  /** Called when the library reports lost events or the end of the subscription. */
  onSignal(signal: string): void
}

export interface Client {
  close(): Promise<void> | void
}

export interface Publisher extends Client {
  /** Resolves when the server has acknowledged; rejects when the library gives up. */
  publish(event: Event): Promise<unknown>
}

const minMs = 100
const maxMs = 1_000

/**
 * The reconnect delay of all clients whose delay can be set: uniform from 0.1 s to a ceiling that doubles from 0.5 s to
 * 1 s. `attempt` counts from 0 for each loss.
 */
export function reconnectDelayMs(attempt: number): number {
  const ceiling = Math.min(maxMs, 500 * 2 ** Math.min(attempt, 8))
  return minMs + Math.random() * (ceiling - minMs)
}

/** The text of this delay in a report. */
export const sharedReconnect = '0.1–0.5 s, then 0.1–1 s'
