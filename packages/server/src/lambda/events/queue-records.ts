import type { PresenceCheck } from '../../runtime/presence/rows/disconnect-session.ts'
import type { QueuedWork } from '../../runtime/run-queued-jobs.ts'
import { isDeliverJob, isRecord } from './events.ts'

/** Whether SQS sent an event. */
export function isQueueEvent(event: unknown): event is { readonly Records: readonly unknown[] } {
  const records = isRecord(event) && Array.isArray(event['Records']) ? event['Records'] : []
  return records.length > 0 && records.every((record) => isRecord(record) && record['eventSource'] === 'aws:sqs')
}

/** The jobs in a batch of messages. A message without one is skipped, because repeating it cannot succeed. */
export function toQueuedWork({ Records }: { readonly Records: readonly unknown[] }): readonly QueuedWork[] {
  return Records.flatMap((record): readonly QueuedWork[] => {
    const { messageId: message, body } = isRecord(record) ? record : {}
    const payload = typeof body === 'string' ? parse(body) : undefined
    if (typeof message !== 'string') return []
    if (isPresenceCheck(payload)) return [{ message, check: payload }]
    return isDeliverJob(payload) ? [{ message, job: payload }] : []
  })
}

function parse(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    return undefined
  }
}

/** Whether a payload is a job that checks whether a member has left. */
export function isPresenceCheck(payload: unknown): payload is PresenceCheck {
  if (!isRecord(payload) || !isRecord(payload['presence'])) return false
  const { topic, member } = payload['presence']
  return typeof topic === 'string' && typeof member === 'string'
}
