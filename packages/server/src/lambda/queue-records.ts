import type { PresenceCheck } from '../run/presence-quiet.ts'
import { isRecord } from './events.ts'

/** A message of the queue that delays invocations. */
export interface QueuedCheck {
  /** Names the message, to report it. */
  readonly message: string
  readonly check: PresenceCheck
}

/** Whether an event comes from a queue. */
export function isQueueEvent(event: unknown): event is { readonly Records: readonly unknown[] } {
  const records = isRecord(event) && Array.isArray(event['Records']) ? event['Records'] : []
  return records.length > 0 && records.every((record) => isRecord(record) && record['eventSource'] === 'aws:sqs')
}

/** The checks in a batch of messages; one that holds none is passed over, since no retry makes it one. */
export function toChecks({ Records }: { readonly Records: readonly unknown[] }): readonly QueuedCheck[] {
  return Records.flatMap((record) => {
    const { messageId, body } = isRecord(record) ? record : {}
    const check = typeof body === 'string' ? toCheck(body) : undefined
    return typeof messageId === 'string' && check !== undefined ? [{ message: messageId, check }] : []
  })
}

function toCheck(body: string): PresenceCheck | undefined {
  try {
    const payload: unknown = JSON.parse(body)
    return isPresenceCheck(payload) ? payload : undefined
  } catch {
    return undefined
  }
}

function isPresenceCheck(payload: unknown): payload is PresenceCheck {
  if (!isRecord(payload) || !isRecord(payload['presence'])) return false
  const { topic, member } = payload['presence']
  return typeof topic === 'string' && typeof member === 'string'
}
