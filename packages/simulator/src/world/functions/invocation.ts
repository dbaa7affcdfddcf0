/** `delayed` consumes the delay queue with the handler of `deliver`. An `operator` is a script with a gateway. */
export type FunctionName =
  | 'authorizer'
  | 'websocket'
  | 'http'
  | 'tableStream'
  | 'deliver'
  | 'delayed'
  | 'worker'
  | 'script'
  | 'operator'

/** The callbacks of an invocation's caller. */
export interface InvocationCallbacks {
  readonly returned: (value: unknown) => void
  /** `crashed`: called immediately. `timed-out`: called at the function's own timeout. */
  readonly failed: (why: 'threw' | 'crashed' | 'timed-out') => void
}

/** Kills one invocation at one of its port calls: before the call, or between its effect and its response. */
export interface PlannedKill {
  readonly invocation: number
  readonly call: number
  readonly side: 'before' | 'after'
}

/** All invocations in order, each with the number of its port calls. */
export type InvocationLog = { readonly name: FunctionName; calls: number }[]

/** One invocation of a sandbox. */
export interface Invocation {
  /** Whether it is still running. */
  readonly isAlive: () => boolean
  /** Ends it and notifies its caller. Returns false if it has ended already. */
  readonly settle: (notify: (caller: InvocationCallbacks) => void) => boolean
}
