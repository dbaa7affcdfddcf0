import type { Store } from '@trunkline/server/ports'
import type { SandboxBackend } from '../world/functions/sandbox-ports.ts'

/** Returns the ports that a mutant gives to a function. */
type WrapPorts = (ports: SandboxBackend) => SandboxBackend

/** A store with some of its operations replaced. The others are inherited. */
export const withStore = (store: Store, operations: Partial<Store>): Store =>
  Object.create(store, Object.getOwnPropertyDescriptors(operations)) as Store

/** A lock that another function holds counts as acquired. */
export const lockIsAlwaysAcquired: WrapPorts = (ports) => ({
  ...ports,
  store: withStore(ports.store, {
    async acquireDeliveryLock(row, lock) {
      const result = await ports.store.acquireDeliveryLock(row, lock)
      return result.status === 'held' ? { status: 'locked', row: result.row } : result
    },
  }),
})

/** Subscribers are read from an index that is up to two seconds old. */
export const subscribersAreStale: WrapPorts = (ports) => {
  const { store, clock } = ports
  const pages = new Map<string, { readonly at: number; readonly page: Awaited<ReturnType<Store['readSubscribers']>> }>()
  return {
    ...ports,
    store: withStore(store, {
      async readSubscribers(topic, shard, options) {
        const name = JSON.stringify([topic, shard, options])
        const known = pages.get(name)
        if (known !== undefined && clock.now() - known.at < 2_000) return known.page
        const page = await store.readSubscribers(topic, shard, options)
        pages.set(name, { at: clock.now(), page })
        return page
      },
    }),
  }
}

/** `$connect` reads the restrictions before it writes the connection's rows. */
export const restrictionsAreReadEarly: WrapPorts = (ports) => {
  const { store } = ports
  const early = new Map<string, ReturnType<Store['readRestrictions']>>()
  return {
    ...ports,
    store: withStore(store, {
      async putConnection(row) {
        const { principal } = row
        if (principal !== null) early.set(principal, store.readRestrictions(principal))
        if (principal !== null) await early.get(principal)
        return store.putConnection(row)
      },
      readRestrictions(principal) {
        const read = early.get(principal) ?? store.readRestrictions(principal)
        early.delete(principal)
        return read
      },
    }),
  }
}

/** The number of shards is the one of the read before. */
export const shardsAreStale: WrapPorts = (ports) => {
  const known = new Map<string, number>()
  return {
    ...ports,
    store: withStore(ports.store, {
      async readSubscribers(topic, shard, options) {
        const page = await ports.store.readSubscribers(topic, shard, options)
        if (page.shards === undefined) return page
        const shards = known.get(topic) ?? 1
        known.set(topic, page.shards)
        return { ...page, shards }
      },
    }),
  }
}

/** A repeated publish starts at the current head, and not at the head of its first attempt. */
export const baseIsNotRecorded: WrapPorts = (ports) => ({
  ...ports,
  store: withStore(ports.store, {
    async recordBase(record) {
      const result = await ports.store.recordBase(record)
      return result.status === 'lost' ? result : { ...result, base: record.base }
    },
  }),
})

/** The lease of a key ends before its function. */
export const keyLeaseIsShort: WrapPorts = (ports) => ({
  ...ports,
  store: withStore(ports.store, {
    claimKey: (claim) => ports.store.claimKey({ ...claim, lease: claim.lease - 58_500 }),
    takeKey: (take) => ports.store.takeKey({ ...take, lease: take.lease - 58_500 }),
  }),
})

/** A key is settled by whichever attempt ends, also by one that was replaced. */
export const anyAttemptSettlesKey: WrapPorts = (given) => {
  const ports = keyLeaseIsShort(given)
  return {
    ...ports,
    store: withStore(ports.store, {
      async settleKey(settled) {
        const row = settled.state === 'DONE' ? await ports.store.readKey(settled.key) : undefined
        return ports.store.settleKey({ ...settled, owner: row?.owner ?? settled.owner })
      },
    }),
  }
}

/** A stop reads the connection's row and does not write it. */
export const stopWritesNoTombstone: WrapPorts = (ports) => ({
  ...ports,
  store: withStore(ports.store, {
    async stopSubscription(stop) {
      const row = await ports.store.readSubscription(stop.connectionId, stop.id)
      return { status: 'stopped', row: row ?? { ...stop, on: false }, wasLive: false }
    },
  }),
})

/** The claim of a subscription returns the shard that was asked for, and not the one of the earlier attempt. */
export const claimReturnsRequestedShard: WrapPorts = (ports) => ({
  ...ports,
  store: withStore(ports.store, {
    async claimSubscription(claim) {
      const result = await ports.store.claimSubscription(claim)
      return result.status === 'claimed' ? { ...result, shard: claim.shard } : result
    },
  }),
})

/** A worker takes a generator's claim over, whichever run holds it. */
export const anyRunIsPassed: WrapPorts = (ports) => ({
  ...ports,
  store: withStore(ports.store, {
    async passRun(pass) {
      const row = await ports.store.readSubscription(pass.connectionId, pass.id)
      return ports.store.passRun({ ...pass, from: row?.run ?? pass.from })
    },
  }),
})

/** An `auth` with other claims leaves those in the topics' rows. */
export const claimsAreNotRewritten: WrapPorts = (ports) => ({
  ...ports,
  store: withStore(ports.store, { async setSubscriberClaims() {} }),
})

/** The repeated put of a batch does not recognise the slot that it has put before. */
export const ownChunksAreForeign: WrapPorts = (ports) => ({
  ...ports,
  store: withStore(ports.store, {
    async putSlot(topic, slot) {
      const outcome = await ports.store.putSlot(topic, slot)
      if (outcome.status === 'put' || outcome.slot.own !== true) return outcome
      return { ...outcome, slot: { ...outcome.slot, publishId: `${outcome.slot.publishId}?` } }
    },
  }),
})
/** A subscription over HTTP gets a row under its topic, as one over a socket. */
export const polledSubscriptionHasTopicRow: WrapPorts = (ports) => {
  const { store } = ports
  return {
    ...ports,
    store: withStore(store, {
      async claimSubscription(claim) {
        const claimed = await store.claimSubscription(claim)
        if (claim.polled === undefined || claimed.status !== 'claimed') return claimed
        const { connectionId, id, ref, topic, expires, polled } = claim
        const row = { connectionId, id, ref, topic, expires, shard: claimed.shard, on: true, extensions: true }
        await store.putSubscriber({ ...row, path: polled.path })
        return claimed
      },
    }),
  }
}

/** A poll judges whether a subscription is live by the row of its topic, which one over HTTP does not have. */
export const polledSubscriptionIsJudgedByTopicRow: WrapPorts = (ports) => {
  const { store } = ports
  return {
    ...ports,
    store: withStore(store, {
      async readSubscriptions(connectionId) {
        const rows = await store.readSubscriptions(connectionId)
        return rows.map(({ polled: _, ...row }) => row)
      },
    }),
  }
}
