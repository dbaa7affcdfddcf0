import type { Slot } from '../../ports/log.ts'

/** Whether a slot is for subscribers: it has an event, or it changes the state of a stream. */
export function isDeliverable({ data, state }: Slot): boolean {
  return data !== undefined || state !== undefined
}

/** One event to deliver: of a log, or of an ephemeral channel. */
export type Delivery =
  | { readonly topic: string; readonly slot: Slot; readonly data?: undefined }
  | { readonly topic: string; readonly data: string; readonly slot?: undefined }
