import type { ServerFrame } from '@trunkline/protocol'
import type { Effect } from '../session/machine/effects.ts'
import { type NewCall, type SessionInput, type Timer, timerName } from '../session/machine/events.ts'
import { initialState, type SessionState } from '../session/machine/state.ts'
import { step } from '../session/step.ts'

/** A session that records its effects: frames as objects, other effects by name. */
export function createMachine(chance = 0, initial: Partial<SessionState> = {}) {
  let state: SessionState = { ...initialState, ...initial }
  let now = 0
  let wallAhead = 0
  const timers = new Map<string, number>()

  function feed(fed: Fed): string[] {
    const input = { socket: state.socket, ...fed } as SessionInput // the socket in use, unless the test gives another
    const event = { ...input, now, wall: now + wallAhead, chance }
    const before = JSON.stringify(toJson(state))
    const stepped = step(state, event)
    if (JSON.stringify(toJson(state)) !== before) throw new Error('a step changed the state that it was given')
    state = stepped.state
    for (const effect of stepped.effects) {
      if (effect.type === 'arm') timers.set(timerName(effect.timer), effect.ms)
      if (effect.type === 'cancel') timers.delete(timerName(effect.timer))
      if (effect.type === 'cancel-all') timers.clear()
    }
    return stepped.effects.flatMap((effect) => describe(effect, state.socket))
  }
  return {
    feed,
    /** The running timers by name, with their delay. */
    timers,
    get state() {
      return state
    },
    wait(ms: number) {
      now += ms
    },
    /** Sets the wall clock, or suspends the monotonic one. */
    setClock(ms: number) {
      wallAhead += ms
    },
    fire(timer: Timer) {
      if (!timers.delete(timerName(timer))) throw new Error(`the timer ${timerName(timer)} does not run`)
      return feed({ type: 'timer', timer })
    },
    message: (...frames: object[]) =>
      feed({ type: 'message', frames: frames as unknown as ServerFrame[], size: 10 * frames.length }),
    /** A message of a socket that is not in use. */
    messageOf: (socket: number, ...frames: object[]) =>
      feed({ type: 'message', socket, frames: frames as unknown as ServerFrame[], size: 10 * frames.length }),
    /** A mutation has no key here, unless `options` has one. */
    call: (id: number, method: 'query' | 'mutation' = 'query', options: Partial<NewCall> = {}) =>
      feed({ type: 'call', call: { ...newCall(id, method), ...options } }),
    subscribe: (id: number, handlesGaps = true) =>
      feed({ type: 'subscribe', subscription: { id, path: 'live', input: null, handlesGaps } }),
    /** A session with an open socket after hello. */
    open(hello: object = {}) {
      if (state.phase === 'idle') feed({ type: 'call', call: newCall(-1, 'query') })
      feed({ type: 'opened' })
      const effects = this.message({ ...helloFrame(hello), id: `hello-${state.serial}` })
      if (state.calls.has(-1)) this.message({ id: -1, result: { type: 'data' } })
      return effects
    },
  }
}

export function helloFrame(hello: object = {}) {
  return {
    id: 'hello-1',
    result: { type: 'hello', session: 's', time: 0, limits: { frameBytes: 32_768, lifetimeMs: 7_200_000 }, ...hello },
  }
}

type Fed = SessionInput extends infer O
  ? O extends { readonly socket: number }
    ? Omit<O, 'socket'> & { readonly socket?: number }
    : O
  : never

function newCall(id: number, method: 'query' | 'mutation'): NewCall {
  return {
    id,
    method,
    text: `${method} ${id}`,
    bytes: 10,
    timeoutMs: 1_000,
    key: null,
    mayHaveRun: false,
    nonce: null,
    resends: method === 'query',
  }
}

/** An effect on a socket that is not in use has its number. */
function describe(effect: Effect, used: number): string[] {
  switch (effect.type) {
    case 'arm':
    case 'cancel':
    case 'cancel-all':
      return []
    case 'send':
      return [`send${at(effect.socket, used)} ${effect.text}`]
    case 'connect':
    case 'admit':
    case 'replace':
    case 'drop':
      return [effect.type + at(effect.socket, used)]
    case 'deliver':
      return [`deliver ${effect.id} ${effect.result.id ?? JSON.stringify(effect.result.data)}`]
    case 'fail': {
      const { line } = effect.failure
      return [
        `fail ${effect.id} ${line === undefined ? 'procedure' : `${line.code}${line.mayHaveRun ? ' may have run' : ''}`}`,
      ]
    }
    case 'gap':
      return [`gap ${effect.id} ${effect.reason} after ${effect.lastEventId}`]
    case 'answer':
    case 'started':
    case 'complete':
      return [`${effect.type} ${effect.id}`]
    default:
      return [effect.type]
  }
}

function at(socket: number, used: number): string {
  return socket === used ? '' : `@${socket}`
}

function toJson(state: SessionState): object {
  return { ...state, calls: [...state.calls], subscriptions: [...state.subscriptions], ended: [...state.ended] }
}
