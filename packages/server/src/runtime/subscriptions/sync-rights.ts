import type { ConnectionSubscription } from '../../ports/subscriptions.ts'
import type { Caller } from '../context/caller.ts'
import type { InvocationContext } from '../context/runtime-context.ts'
import { checkRight, guardOf, type RightsHolder, TopicRefused } from '../procedures/topic-rights.ts'
import { freshMs } from '../recipients/current-rows.ts'
import { stopRows } from '../recipients/end-subscriber.ts'

/**
 * The rights of one sender in all syncs of a message: its connection is read once, and `authorize` of a channel is
 * asked once for each topic. Nothing is read for topics of channels without `authorize`.
 */
export class SyncRights {
  readonly #context: InvocationContext
  readonly #decisions = new Map<string, Promise<void>>()
  readonly #passed = new Set<string>()
  #holder: Promise<RightsHolder> | undefined

  constructor(context: InvocationContext) {
    this.#context = context
  }

  /** Throws when the sender may not get the topic. A refusal has ended the subscription. */
  // [TL-RIGHT-1]
  async check(caller: Caller, row: ConnectionSubscription & { readonly topic: string }): Promise<void> {
    const { topic } = row
    if (guardOf(this.#context, topic) === undefined) return
    const decision = this.#decisions.get(topic) ?? this.#decide(caller, topic)
    this.#decisions.set(topic, decision)
    try {
      await decision
      this.#passed.add(row.id)
    } catch (thrown) {
      if (thrown instanceof TopicRefused) await stopRows(this.#context, row)
      throw thrown
    }
  }

  /** Whether the answer may have events that were checked. */
  get hasPassed(): boolean {
    return this.#passed.size > 0
  }

  /**
   * The ids of the checked subscriptions that have ended since `readAt`, when the connection's rows were read: the
   * answer must leave their events out. Reads the rows again only after a slow sync. [LAW-RIGHTS]
   */
  async endedSince(readAt: number, rows: ReadonlyMap<string, ConnectionSubscription>): Promise<ReadonlySet<string>> {
    const ids = [...this.#passed]
    const { clock, store } = this.#context
    const [first] = rows.values()
    if (ids.length === 0 || first === undefined || clock.now() - readAt <= freshMs) return new Set()
    const now = new Map((await store.readSubscriptions(first.connectionId)).map((row) => [row.id, row]))
    const isLive = (id: string) => now.get(id)?.on === true && now.get(id)?.ref === rows.get(id)?.ref
    return new Set(ids.filter((id) => !isLive(id)))
  }

  async #decide({ connectionId, ...caller }: Caller, topic: string): Promise<void> {
    const { store } = this.#context
    this.#holder ??= store.readConnection(connectionId).then((row) => (row?.state === 'OPEN' ? row : caller))
    await checkRight(this.#context, topic, await this.#holder)
  }
}
