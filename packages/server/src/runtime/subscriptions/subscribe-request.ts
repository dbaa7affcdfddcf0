import type { FrameId } from '@trunkline/protocol'

/** A parsed subscribe frame. */
export interface SubscribeRequest {
  readonly id: FrameId
  readonly path: string
  /** Deserialised. For a stock client `lastEventId` is merged in, as tRPC does. */
  readonly input: unknown
  /** The input before deserialisation, with which deliveries run the procedure again. */
  readonly rawInput: unknown
  readonly lastEventId: string | undefined
  readonly ref: number
  readonly batchIndex: number
}
