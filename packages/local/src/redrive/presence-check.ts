/** The `deliver` function's payload for a presence check: which member of which topic may have left. */
export interface PresenceCheck {
  readonly presence: { readonly topic: string; readonly member: string }
}

/** Whether this is a presence check. */
export function isPresenceCheck(value: unknown): value is PresenceCheck {
  if (typeof value !== 'object' || value === null || !('presence' in value)) return false
  const { presence } = value
  if (typeof presence !== 'object' || presence === null || !('topic' in presence) || !('member' in presence))
    return false
  return typeof presence.topic === 'string' && typeof presence.member === 'string'
}
