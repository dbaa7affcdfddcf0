/** One event of the workload. */
export interface Event {
  readonly publisher: number
  /** Counts from 1 for each publisher. */
  readonly n: number
  readonly text: string
}

/** A library in the race: how it is used, and by which document. */
export interface Contestant {
  readonly id: string
  readonly name: string
  /** The pages whose advice this follows. */
  readonly documents: readonly string[]
  /** How long its client waits before it connects again. */
  readonly reconnect: string
  start(): Promise<Rival>
}

/** A contestant whose server is running. */
export interface Rival {
  /** Where its server listens; clients come by way of a proxy. */
  readonly port: number
  /** Resolves when the server has taken the subscription. */
  subscribe(port: number, callbacks: SubscriberCallbacks): Promise<Client>
  publisher(port: number): Promise<Publisher>
  /** What the server took, in order; an event that took effect twice is here twice. */
  log(): Promise<readonly Event[]>
  close(): Promise<void>
}

export interface SubscriberCallbacks {
  onEvent(event: Event): void
  /** The library says that events were lost, or that the subscription is over. */
  onSignal(signal: string): void
}

export interface Client {
  close(): Promise<void> | void
}

export interface Publisher extends Client {
  /** Resolves when the server has acknowledged; rejects when the library gives up. */
  publish(event: Event): Promise<unknown>
}

const shortestMs = 100
const longestMs = 1_000

/** What every client waits that lets itself be told: uniform from 0.1 s to a ceiling that doubles from 0.5 s to 1 s. `attempt` counts from 0 for each loss. */
export function reconnectDelayMs(attempt: number): number {
  const ceiling = Math.min(longestMs, 500 * 2 ** Math.min(attempt, 8))
  return shortestMs + Math.random() * (ceiling - shortestMs)
}

/** Says the above in a report. */
export const sharedReconnect = '0.1–0.5 s, then 0.1–1 s'
