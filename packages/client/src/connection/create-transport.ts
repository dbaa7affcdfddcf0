import { defined, utf8Bytes } from '@trunkline/protocol'
import { mayHaveRun } from '../session/calls/calls.ts'
import { frameBytesOf, toKey, toOption } from '../session/calls/idempotency-key.ts'
import { frameError } from '../session/machine/check-frame.ts'
import type { TrunklineError } from '../session/machine/trunkline-error.ts'
import { createRandomId } from './environment.ts'
import type { RunningSession } from './running-session.ts'
import { hasWebSocket } from './socket-pool.ts'
import type { CallObserver, CallRequest, SubscribeRequest, SubscriptionObserver, Transport } from './transport.ts'

const callTimeoutMs = 30_000 // 30 s

/** The transport through which links make calls and subscriptions on a session. */
export function createTransport({ options, environment, observers, state, dispatch }: RunningSession): Transport {
  return { transforms: () => state().transforms, call, subscribe }

  function call(request: CallRequest, observer: CallObserver): () => string | undefined {
    requireWebSocket()
    const { method, path, input, timeoutMs = options.timeoutMs ?? callTimeoutMs, orderingKey } = request
    const id = observers.nextId()
    const keyed = toKey(request, () => createRandomId(environment))
    // Throws for an input that is no JSON, before anything is registered. [TL-TRACE-3]
    const text = JSON.stringify({ id, method, params: { path, input, traceparent: options.traceparent?.() } })
    const bytes = frameBytesOf(text, keyed)
    const error = frameError({ text, bytes, path, key: request.idempotencyKey }, state().messageBytes)
    if (error !== undefined) return reject(observer, error)
    observers.add(id, observer)
    dispatch({
      type: 'call',
      call: defined({ id, method, text, bytes, timeoutMs, orderingKey, ...keyed }),
    })
    return () => {
      const pending = state().calls.get(id)
      if (observers.remove(id)) dispatch({ type: 'abort', id })
      return pending && mayHaveRun(pending) ? toOption(pending.key, true) : undefined
    }
  }

  function subscribe(request: SubscribeRequest, observer: SubscriptionObserver): () => void {
    requireWebSocket()
    const { path, input, givenInput, onGap: given = options.onGap, aroundGap } = request
    const onGap = given && aroundGap ? aroundGap(given) : given
    const id = observers.nextId()
    // Throws here for an input that is no JSON. The session serialises it again on each attempt.
    const text = JSON.stringify({ id, method: 'subscription', params: { path, input } })
    const error = frameError({ text, bytes: utf8Bytes(text), path }, state().messageBytes)
    if (error !== undefined) return reject(observer, error)
    observers.add(id, observer, onGap && ((gap) => onGap({ path, input: givenInput, ...gap })))
    const copy = JSON.parse(text).params.input // the caller may change its own object
    dispatch({ type: 'subscribe', subscription: { id, path, input: copy, handlesGaps: onGap !== undefined } })
    return () => observers.remove(id) && dispatch({ type: 'unsubscribe', id })
  }

  function requireWebSocket(): void {
    if (options.fallback !== undefined || hasWebSocket(options, environment)) return
    throw new Error('This runtime has no WebSocket: pass createConnection({ WebSocket }).')
  }
}

/** Fails a request that cannot be sent. */
function reject(observer: Pick<CallObserver, 'fail'>, line: TrunklineError): () => undefined {
  observer.fail({ line })
  return () => undefined
}
