import { isTrackedEnvelope } from '@trpc/server'
import type { DataResult, FrameId } from '@trunkline/protocol'
import type { Server } from '../context/served-application.ts'
import { TrunklineError } from '../context/trunkline-error.ts'
import { encode, type Frame, type Result } from '../encoding/encode.ts'
import type { ErrorAnswer } from '../encoding/error-response.ts'
import { resultBytes, stockBytes } from '../encoding/result-frames.ts'

/** The subscription of the values. `extensions`: its client declared `trunkline.1`. */
export interface ValuesOf {
  readonly id: FrameId
  readonly ref: number
  readonly extensions: boolean
}

/**
 * The frame of a generator's n-th value, and the value's id if it is tracked. Throws TOO_LARGE, and what the
 * transformer throws.
 */
// [TL-GEN-2] {"id":1,"result":{"type":"data","data":…,"id"?:…,"ref":1,"n":1}}
export function valueFrame(
  server: Server,
  of: ValuesOf,
  { n, value }: { readonly n: number; readonly value: unknown },
): { readonly frame: Frame; readonly lastEventId: string | undefined } {
  const tracked = isTrackedEnvelope(value) ? { id: value[0], data: value[1] } : undefined
  const data = server.router._def._config.transformer.output.serialize(tracked ?? value)
  const result: DataResult = { type: 'data', data, ...(tracked && { id: tracked.id }), ...placeOf(of, n) }
  const frame = frameOf(of, result)
  const bytes = Buffer.byteLength(encode(frame))
  const max = of.extensions ? resultBytes(server) : stockBytes // [TL-CHUNK-11]
  if (bytes > max)
    throw new TrunklineError(
      'TOO_LARGE',
      `A value has ${bytes} bytes; at most ${max} can be sent. Yield smaller values.`,
      { mayHaveRun: true },
    )
  return { frame, lastEventId: tracked?.id }
}

/** The generator has started, and its next value is n + 1. */
// [TL-GEN-1] {"id":1,"result":{"type":"started","ref":1,"n":0}}
export function generatorStarted(of: ValuesOf, n: number): Frame {
  return frameOf(of, { type: 'started', ...placeOf(of, n) })
}

/** The generator lives, but has no value to send. */
// [TL-GEN-4] {"id":1,"result":{"type":"alive","ref":1,"n":7}}
export function generatorAlive(of: ValuesOf, n: number): Frame {
  return frameOf(of, { type: 'alive', ref: of.ref, n })
}

/** The generator has ended after its value n. */
// [TL-GEN-3] {"id":1,"result":{"type":"stopped","ref":1,"n":8}}
export function generatorStopped(of: ValuesOf, n: number): Frame {
  return frameOf(of, { type: 'stopped', ...placeOf(of, n + 1) })
}

/** The generator failed after its value n; without `n`, the number of its values is unknown. */
// [TL-GEN-3] {"id":1,"error":{…},"ref":1,"n":8}
export function generatorFailed({ ref, extensions }: ValuesOf, n: number | undefined, error: ErrorAnswer): Frame {
  if (!extensions) return error
  return { ...error, failure: { ...error.failure, ref, ...(n !== undefined && { n: n + 1 }) } }
}

function frameOf({ id }: ValuesOf, result: Result): Frame {
  return { id, result }
}

/** Stock clients get only tRPC's own members. */
function placeOf({ ref, extensions }: ValuesOf, n: number): { readonly ref?: number; readonly n?: number } {
  return extensions ? { ref, n } : {}
}
