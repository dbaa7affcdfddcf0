import type { Slot } from '../../ports/log.ts'

/** One event to deliver: of a log, or of an ephemeral channel. */
export type Delivery =
  | { readonly topic: string; readonly slot: Slot; readonly data?: undefined }
  | { readonly topic: string; readonly data: string; readonly slot?: undefined }
