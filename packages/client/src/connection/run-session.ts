import type { SessionInput } from '../session/machine/events.ts'
import { readSettings } from '../session/machine/settings.ts'
import { initialState, type SessionState } from '../session/machine/state.ts'
import { stepInPlace } from '../session/step.ts'
import type { ConnectionOptions } from './connection-options.ts'
import { isHttpOnly } from './endpoint.ts'
import type { ConnectionEnvironment } from './environment.ts'
import { createObservers } from './observers.ts'
import { createEffectPerformer } from './perform-effects.ts'
import type { RunningSession } from './running-session.ts'

/** Runs a session: passes its inputs to `step` one at a time, and performs the effects of each step. */
export function runSession(options: ConnectionOptions, environment: ConnectionEnvironment): RunningSession {
  const { maxMessageBytes = initialState.maxMessageBytes } = options
  let state: SessionState = {
    ...initialState,
    calls: new Map(), // the steps change these maps
    subscriptions: new Map(),
    settings: readSettings(options),
    maxMessageBytes,
    mayUseSocket: !isHttpOnly(options),
    messageBytes: maxMessageBytes,
  }
  const observers = createObservers(environment.uncaught)
  const inputs: SessionInput[] = []
  let isRunning = false
  const session: RunningSession = { options, environment, observers, state: () => state, dispatch }
  const perform = createEffectPerformer(session)

  /** An input from a callback is handled after all effects of the current step. */
  function dispatch(input: SessionInput): void {
    inputs.push(input)
    if (isRunning) return
    isRunning = true
    try {
      for (let next = inputs.shift(); next !== undefined; next = inputs.shift()) run(next)
    } finally {
      isRunning = false // a step that throws is a bug, but must not stop all later steps
    }
  }
  function run(input: SessionInput): void {
    const { status } = state
    // every input is a new object, so it need not be copied
    const clock = { now: environment.monotonic(), wall: environment.now(), chance: environment.random() }
    const stepped = stepInPlace(state, Object.assign(input, clock))
    state = stepped.state
    for (const effect of stepped.effects) perform(effect)
    if (state.status !== status) observers.notifyState(state.status)
  }

  return session
}
