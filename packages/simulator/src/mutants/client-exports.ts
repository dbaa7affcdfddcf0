import type { endFormerCalls } from '../../../client/src/session/calls/calls.ts'
import type { receive } from '../../../client/src/session/machine/sequencer.ts'
import type { onRunFailure } from '../../../client/src/session/subscriptions/generator.ts'
import { onSubscriptionError } from '../../../client/src/session/subscriptions/on-subscription-error.ts'
import type { syncAll } from '../../../client/src/session/subscriptions/sync.ts'

/** Makes the replacement of an exported function from the original. */
type Replace<F> = (original: F) => F

/** A frame of a filtered subscription is applied although an offset before it is missing. */
export const filteredHoleIsAccepted: Replace<typeof receive> = (original) => (order, frame) =>
  original(order, { ...frame, prev: Math.min(frame.prev, order.position?.offset ?? frame.prev) })

/** A frame that arrives early is applied at once, after the position is known. */
export const earlyFrameIsApplied: Replace<typeof receive> = (original) => (order, frame) => {
  const result = original(order, frame)
  if (order.position === null || result.verdict !== 'hole' || result.applied.length > 0) return result
  const position = { epoch: frame.epoch, offset: frame.offset }
  return { order: { ...order, position }, applied: [frame], verdict: 'whole' }
}

/** A frame that was applied before is applied again. */
export const knownFrameIsApplied: Replace<typeof receive> = (original) => (order, frame) => {
  const { position } = order
  if (position === null || frame.epoch !== position.epoch || frame.offset > position.offset)
    return original(order, frame)
  return { order, applied: [frame], verdict: 'whole' }
}

/** A keepalive requests no missing events. */
export const keepaliveSyncsNothing: Replace<typeof syncAll> = (original) => (transition, repeat) =>
  repeat === undefined ? false : original(transition, repeat)

/** The error of a run is handled at once, before values of the run that are still missing. */
export const runFailureIsNotOrdered: Replace<typeof onRunFailure> = () => (transition, subscription, frame) =>
  void onSubscriptionError(transition, subscription, frame)

/** A sign-in fails no call from before it, so that the next connection sends it as another principal. */
export const callsSurviveSignIn: Replace<typeof endFormerCalls> = () => () => undefined
