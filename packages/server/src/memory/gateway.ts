import type { Gateway, PostOutcome } from '../ports/gateway.ts'

/** A gateway in memory: the reference of the port. Sockets are what `open` made; what is posted is kept in order. */
export interface MemoryGateway extends Gateway {
  open(connectionId: string): void
  close(connectionId: string): void
  /** Every text that was posted to a connection. */
  posted(connectionId: string): readonly string[]
  /** Decides what becomes of the next posts; undefined lets them pass. */
  intercept: (connectionId: string, text: string) => Promise<PostOutcome | undefined> | PostOutcome | undefined
}

const messageBytes = 131_072 // the port's law

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
      sockets.delete(connectionId)
      return 'closed'
    },
  }
}
