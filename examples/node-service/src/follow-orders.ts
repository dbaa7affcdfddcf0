import type { LineClient } from '@trunkline/client'
import type { CursorFile } from './cursor-file.ts'
import type { AppRouter } from './router.ts'

export interface FollowOptions {
  readonly client: LineClient<AppRouter>
  readonly shop: string
  readonly cursor: CursorFile
  readonly log: (text: string) => void
}

/**
 * Confirms each order of a shop, one after another, from the stored cursor on. The cursor is stored after the receipt:
 * after a crash in between, the same order comes again, and its idempotency key makes the second receipt the first one.
 * Returns a function that stops it when the current order is done.
 */
export function followOrders({ client, shop, cursor, log }: FollowOptions): () => Promise<void> {
  let isStopped = false
  let work = Promise.resolve()
  const confirm = async (id: string, { number, item }: { readonly number: number; readonly item: string }) => {
    if (isStopped) return
    const receipt = { shop, number, text: `${item}, on its way` }
    await client.confirm.mutate(receipt, { idempotencyKey: `receipt-${shop}-${number}` })
    cursor.write(id)
    log(`order ${number}: ${item}`)
  }
  const stored = cursor.read()
  log(stored === null ? 'from the first order' : 'from the stored cursor')
  const subscription = client.onOrder.subscribe(
    { shop, lastEventId: stored },
    {
      onData({ id, data }) {
        work = work.then(() => confirm(id, data)).catch(fail)
      },
      onGap: ({ reason }) => log(`orders are missing (${reason}): ask the shop for them`),
      onError: fail,
    },
  )
  function fail(error: unknown): void {
    isStopped = true // the cursor stays before the order, so a restart begins with it
    subscription.unsubscribe()
    log(`stopped: ${error instanceof Error ? error.message : error}`)
    process.exitCode = 1
  }
  return async () => {
    isStopped = true
    subscription.unsubscribe()
    await work
  }
}
