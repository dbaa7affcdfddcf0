/** A group of events that share a limit of concurrent runs. */
export interface ThreadGroup {
  readonly name: string
  /**
   * True for events that answer a client or report a connection. A loaded thread is kept for them while background runs
   * last.
   */
  readonly foreground: boolean
}

const short: ThreadGroup = { name: 'short frames', foreground: true }
const calls: ThreadGroup = { name: 'calls', foreground: true }

const callRoutes: readonly unknown[] = ['$default', 'subscription']
const shortMethods: readonly unknown[] = ['subscription.stop', 'cancel', 'hello', 'auth']

/**
 * Returns the group of an event. Frames that run no procedure (`$connect`, `$disconnect`, a stop, a cancel) form one
 * group, frames that may run a procedure form another, and each background function has its own.
 */
export function toThreadGroup(functionName: string, eventText: string): ThreadGroup {
  if (functionName === 'authorizer') return short
  if (functionName === 'websocket') return mayRunProcedure(parse(eventText)) ? calls : short
  return { name: functionName, foreground: false }
}

function mayRunProcedure(event: unknown): boolean {
  if (!callRoutes.includes(member(member(event, 'requestContext'), 'routeKey'))) return false
  const body = member(event, 'body')
  const message = typeof body === 'string' ? parse(body) : undefined
  return [message].flat().some((frame) => !shortMethods.includes(member(frame, 'method')))
}

function member(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
