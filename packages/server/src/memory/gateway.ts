import type { Gateway, PostOutcome } from '../ports/gateway.ts'

/** A gateway in memory, for tests. It keeps every text that was posted. */
export interface MemoryGateway extends Gateway {
  /** Opens a connection, also again. */
  open(connectionId: string): void
  /** Closes a connection, as its client does. */
  close(connectionId: string): void
  /** The texts that were posted to a connection, in order. */
  posted(connectionId: string): readonly string[]
  /** Set it to decide the outcome of posts. Undefined lets a post pass. @default lets every post pass */
  intercept: (connectionId: string, text: string) => Promise<PostOutcome | undefined> | PostOutcome | undefined
}

const messageBytes = 131_072 // the limit that the port states

/** Creates a gateway without connections. */
export function createMemoryGateway(): MemoryGateway {
  const sockets = new Map<string, string[]>()
  const kept = new Map<string, string[]>()
  return {
    kind: 'memory',
    intercept: () => undefined,
    open(connectionId) {
      const texts = kept.get(connectionId) ?? []
      kept.set(connectionId, texts)
      sockets.set(connectionId, texts)
    },
    close: (connectionId) => void sockets.delete(connectionId),
    posted: (connectionId) => kept.get(connectionId) ?? [],
    async post(connectionId, text) {
      const outcome = await this.intercept(connectionId, text)
      if (outcome !== undefined) return outcome
      if (Buffer.byteLength(text) > messageBytes) return { status: 'too-large' }
      const texts = sockets.get(connectionId)
      texts?.push(text)
      return { status: texts === undefined ? 'gone' : 'posted' }
    },
    async disconnect(connectionId) {
      return sockets.delete(connectionId) ? 'closed' : 'gone'
    },
  }
}
