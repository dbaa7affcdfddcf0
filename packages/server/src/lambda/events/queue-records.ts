import type { UnconfirmedCheck } from '../../runtime/connections/unconfirmed.ts'
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
    if (isCheck(payload)) return [{ message, check: payload }]
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

/** Whether a payload is a job that checks whether a member has left, or whether a connection was confirmed. */
export function isCheck(payload: unknown): payload is PresenceCheck | UnconfirmedCheck {
  return isPresenceCheck(payload) || isUnconfirmedCheck(payload)
}

function isUnconfirmedCheck(payload: unknown): payload is UnconfirmedCheck {
  return (
    isRecord(payload) && isRecord(payload['unconfirmed']) && typeof payload['unconfirmed']['connectionId'] === 'string'
  )
}

function isPresenceCheck(payload: unknown): payload is PresenceCheck {
  if (!isRecord(payload) || !isRecord(payload['presence'])) return false
  const { topic, member } = payload['presence']
  return typeof topic === 'string' && typeof member === 'string'
}
