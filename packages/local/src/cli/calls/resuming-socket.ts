import { WebSocket } from 'ws'

/**
 * A WebSocket that adds a cursor to the first subscribe that is sent without one. The client resumes only what it has
 * received itself, and the first attempt of a command has received nothing.
 */
export function resumingWebSocket(lastEventId: string): typeof WebSocket {
  let isAdded = false
  return class extends WebSocket {
    override send(data: unknown, ...rest: unknown[]): void {
      const text = typeof data === 'string' && !isAdded ? withCursor(data, lastEventId) : undefined
      isAdded ||= text !== undefined
      Reflect.apply(super.send, this, [text ?? data, ...rest])
    }
  }
}

interface FrameLike {
  readonly method?: unknown
  readonly params?: Readonly<Record<string, unknown>>
}

/** The message with the cursor in its subscribe; undefined for one without a new subscribe. */
function withCursor(text: string, lastEventId: string): string | undefined {
  const message = JSON.parse(text) as FrameLike | readonly FrameLike[]
  const frames = Array.isArray(message) ? (message as readonly FrameLike[]) : [message as FrameLike]
  const isNew = ({ method, params }: FrameLike) => method === 'subscription' && params?.['lastEventId'] === undefined
  if (!frames.some(isNew)) return undefined
  const changed = frames.map((frame) => (isNew(frame) ? { ...frame, params: { ...frame.params, lastEventId } } : frame))
  return JSON.stringify(Array.isArray(message) ? changed : changed[0])
}
