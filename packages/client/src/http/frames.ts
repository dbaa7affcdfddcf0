/** One frame that waits to be sent in a request. */
export interface OutgoingFrame {
  readonly text: string
  /**
   * - `hello`: the first frame of a connection
   * - `call`: a query or a mutation, which goes in a request of its own
   * - `subscribe`: procedures may run for long, so a `sync` does not wait for them
   * - `rest`: what is answered quickly
   */
  readonly group: 'hello' | 'call' | 'subscribe' | 'rest'
  readonly method: string
  /** The name under which the session knows the frame; undefined when it awaits no answer. */
  readonly name: number | string | undefined
  /** The id of the frame that answers. */
  readonly id: unknown
  /** The ids of the subscriptions of a `sync`. */
  readonly asks: string | undefined
}

interface Parsed {
  readonly id?: unknown
  readonly method: string
  readonly params?: { readonly subscriptions?: readonly { readonly id: unknown }[] }
}

const groups: Readonly<Record<string, OutgoingFrame['group']>> = {
  query: 'call',
  mutation: 'call',
  subscription: 'subscribe',
}

/** The frames of a message that the session sends. `isFirst`: `hello` opens the connection. */
export function toFrames(text: string, isFirst: boolean): readonly OutgoingFrame[] {
  const parsed: Parsed | readonly Parsed[] = JSON.parse(text)
  if (!isArray(parsed)) return [toFrame(parsed, text, isFirst)]
  return parsed.map((frame) => toFrame(frame, JSON.stringify(frame), isFirst))
}

function isArray(value: Parsed | readonly Parsed[]): value is readonly Parsed[] {
  return Array.isArray(value)
}

function toFrame(frame: Parsed, text: string, isFirst: boolean): OutgoingFrame {
  const { id, method, params } = frame
  const group = isFirst && method === 'hello' ? 'hello' : (groups[method] ?? 'rest')
  const asks = method === 'sync' ? JSON.stringify(params?.subscriptions?.map((each) => each.id)) : undefined
  return { text, group, method, id, name: nameOf(frame), asks }
}

/** As the session names what it sent. A `cancel` and a `ping` are not repeated. */
function nameOf({ id, method }: Parsed): number | string | undefined {
  if (method === 'subscription') return `>${id}`
  if (method === 'subscription.stop') return `.${id}`
  return method === 'cancel' || method === 'ping' || method === 'close' ? undefined : (id as number | string)
}
