import * as z from 'zod/mini'
import { flawText, keyFlaw, pathFlaw, tokenFlaw } from '../limits/bounds.ts'
import { limits } from '../limits/limits.ts'
import { createChunkFrame } from './create-chunk-frame.schema.ts'
import { checkedText, cursorText, frameId } from './wire-text.schema.ts'

let created: ReturnType<typeof createClientFrames> | undefined

/** The schemas of a client's frames. The first use creates them, since that takes 3 ms and a plain call needs none. */
export function clientFrames(): ReturnType<typeof createClientFrames> {
  created ??= createClientFrames()
  return created
}

function createClientFrames() {
  const chunkFrame = createChunkFrame()
  const jsonrpc = z.exactOptional(z.literal('2.0'))
  const ref = z.int().check(z.gte(1))
  const key = checkedText(keyFlaw) // [TL-KEY-4]
  const path = checkedText(pathFlaw)

  const callFrame = z.object({
    id: frameId,
    jsonrpc,
    method: z.enum(['query', 'mutation']),
    params: z.object({
      path,
      input: z.exactOptional(z.unknown()),
      key: z.exactOptional(key),
      resend: z.exactOptional(z.literal(true)),
      traceparent: z.exactOptional(z.unknown()), // `parseTraceparent` reads it and ignores invalid values [TL-TRACE-1]
    }),
  })

  const subscribeFrame = z.object({
    id: frameId,
    jsonrpc,
    method: z.literal('subscription'),
    params: z.object({
      path,
      input: z.exactOptional(z.unknown()),
      lastEventId: z.exactOptional(z.string()),
      ref: z.exactOptional(ref),
    }),
  })

  const stopFrame = z.object({
    id: frameId,
    jsonrpc,
    method: z.literal('subscription.stop'),
    params: z.exactOptional(z.object({ ref: z.exactOptional(ref) })),
  })

  const helloFrame = z.object({ id: frameId, method: z.literal('hello') })

  /** Bounds a list before its entries are read: a frame can hold 60,000. [TL-LIM-4] */
  const boundedList = z.array(z.unknown()).check(({ value, issues }) => {
    const most = limits.syncSubscriptions.value
    if (value.length <= most) return
    const message = flawText(`at most ${most} subscriptions in a sync`, `${value.length}`)
    issues.push({ code: 'custom', input: value, message })
  })

  const time = z.number().check(z.gte(0))
  /** What a poll repeats of the answer to the poll before it. */
  const pollState = z.object({ nextMs: z.exactOptional(time), verified: z.exactOptional(time) })

  const syncFrame = z.object({
    id: frameId,
    method: z.literal('sync'),
    params: z.object({
      subscriptions: z.pipe(boundedList, z.array(z.object({ id: frameId, ref, from: cursorText }))),
      poll: z.exactOptional(z.union([z.literal(true), pollState])),
    }),
  })

  const authFrame = z.object({
    id: frameId,
    method: z.literal('auth'),
    params: z.object({ token: checkedText(tokenFlaw) }),
  })

  const cancelFrame = z.object({
    id: frameId,
    method: z.literal('cancel'),
    params: z.exactOptional(z.object({ key: z.exactOptional(key) })),
  })

  const closeFrame = z.object({ method: z.literal('close') })

  const pingFrame = z.object({ method: z.literal('ping') })

  const connectionParamsFrame = z.object({
    method: z.literal('connectionParams'),
    data: z.nullable(z.record(z.string(), z.string())),
  })

  const clientFrame = z.discriminatedUnion('method', [
    callFrame,
    subscribeFrame,
    stopFrame,
    helloFrame,
    syncFrame,
    authFrame,
    cancelFrame,
    closeFrame,
    pingFrame,
    chunkFrame,
    connectionParamsFrame,
  ])

  const clientMessage = z.union([clientFrame, z.array(clientFrame)])
  return {
    chunkFrame,
    callFrame,
    subscribeFrame,
    stopFrame,
    helloFrame,
    syncFrame,
    authFrame,
    cancelFrame,
    closeFrame,
    pingFrame,
    connectionParamsFrame,
    clientFrame,
    clientMessage,
  }
}
