import type { Subscriber } from '../../ports/store.ts'
import { isExpired } from '../context/caller.ts'
import type { RuntimeContext } from '../context/scope.ts'

/** [TL-ERR-6] Whether a subscriber may be posted to now. Asked at each post, not at the read: a long delivery outlives authorities. */
export function canReceive({ clock }: RuntimeContext, row: Pick<Subscriber, 'expires' | 'authExp'>): boolean {
  const now = clock.now()
  return row.expires * 1_000 > now && !isExpired(row, now)
}
