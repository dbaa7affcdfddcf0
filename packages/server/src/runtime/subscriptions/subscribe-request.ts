import type { FrameId } from '@trunkline/protocol'
/** A subscription as `receive` understood it. */
export interface SubscribeRequest {
  readonly id: FrameId
  readonly path: string
  /** Deserialised; for a stock client with `lastEventId` merged in, as tRPC does. */
  readonly input: unknown
  /** As it came, for the procedure's next runs. */
  readonly rawInput: unknown
  readonly lastEventId: string | undefined
  readonly ref: number
  readonly batchIndex: number
}
