import type { Subscriber } from '../../ports/subscribers.ts'
import { isExpired } from '../context/caller.ts'
import type { RuntimeContext } from '../context/runtime-context.ts'

/**
 * [TL-ERR-6] Whether a subscriber may be posted to now. Checked at each post and not at the read, since authority may
 * expire during a long delivery.
 */
export function canReceive({ clock }: RuntimeContext, row: Pick<Subscriber, 'expires' | 'authExp'>): boolean {
  const now = clock.now()
  return row.expires * 1_000 > now && !isExpired(row, now)
}
