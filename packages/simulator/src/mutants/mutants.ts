// One file over 200 lines: it is a table of mutants.

import type { WorkloadName } from '../schedules/workloads/workloads.ts'

/** A law broken on purpose: texts of the product that are replaced when it is bundled. A missing text is an error. */
export interface Mutant {
  readonly name: string
  /** The law, or the finding of the design review, that it breaks. */
  readonly breaks: string
  readonly swaps: readonly Swap[]
  readonly workloads: readonly WorkloadName[]
  /** The exhaustive tests that catch it when random schedules do not. */
  readonly exhausted?: string
}

export interface Swap {
  /** The path from the repository's root. */
  readonly file: string
  readonly from: string
  readonly to: string
}

const runtime = (file: string) => `packages/server/src/runtime/${file}.ts`
const client = (file: string) => `packages/client/src/${file}.ts`
const replayed = 'await replay(scope, request, descriptor)'

export const mutants: readonly Mutant[] = [
  {
    name: 'stock-delivery-without-a-lock',
    breaks: '[LAW-STOCK-ORDER]',
    workloads: ['stock'],
    exhausted: 'runtime/stock-clients/law-stock.test.ts',
    swaps: [
      {
        file: runtime('stock-clients/subscription-lock'),
        from: "if (isDead(found.row, scope.clock.now())) return 'dead'",
        to: 'return { row: found.row, by: lock.by, at: positionOf(scope, found.row, slot) }',
      },
    ],
  },
  {
    name: 'stock-unknown-post-skipped',
    breaks: '[LAW-STOCK-ORDER]',
    workloads: ['stock'],
    exhausted: 'runtime/stock-clients/law-stock.test.ts',
    swaps: [
      {
        file: runtime('posting/post-once'),
        from: "outcome.status === 'failed' && outcome.unknown ? 'uncertain' : 'refused'",
        to: "outcome.status === 'failed' && outcome.unknown ? 'posted' : 'refused'",
      },
    ],
  },
  {
    name: 'read-then-register',
    breaks: '[LAW-REGISTER-THEN-READ]',
    workloads: ['race', 'quiet'],
    exhausted: 'runtime/subscriptions/law-subscribe.test.ts',
    swaps: [
      {
        file: runtime('subscriptions/subscribe'),
        from: '  // S2: the topic',
        to: `  const early = ${replayed}\n  // S2: the topic`,
      },
      { file: runtime('subscriptions/subscribe'), from: `const found = ${replayed}`, to: 'const found = early' },
    ],
  },
  {
    name: 'stale-subscriber-index',
    breaks: '[LAW-REGISTER-THEN-READ]',
    workloads: ['quiet', 'race'],
    exhausted: 'runtime/subscriptions/law-subscribe.test.ts',
    swaps: [
      {
        file: runtime('delivery/deliver'),
        from: 'const page = await context.store.readSubscribers(topic, 0, { limit: maxDirectAudience + 1 })',
        to: 'const page = await staleIndex(context, topic)',
      },
      {
        file: runtime('delivery/deliver'),
        from: 'async function deliverToAudience(',
        to: `const stale = new WeakMap<object, Map<string, { at: number; page: Awaited<ReturnType<InvocationContext['store']['readSubscribers']>> }>>()
async function staleIndex(context: InvocationContext, topic: string) {
  const kept = stale.get(context.shardHints) ?? new Map()
  stale.set(context.shardHints, kept)
  const known = kept.get(topic)
  if (known !== undefined && context.clock.now() - known.at < 2_000) return known.page
  const page = await context.store.readSubscribers(topic, 0, { limit: context.server.maxDirectAudience + 1 })
  kept.set(topic, { at: context.clock.now(), page })
  return page
}
async function deliverToAudience(`,
      },
    ],
  },
  {
    name: 'shards-read-before-the-append',
    breaks: 'H6',
    workloads: ['race', 'quiet'],
    exhausted: 'runtime/log/law-publish.test.ts',
    swaps: [
      {
        file: runtime('delivery/deliver'),
        from: 'const shards = page.shards ?? 1',
        to: 'const shards = context.shardHints.get(topic) ?? 1\n  rememberShards(context.shardHints, topic, page.shards ?? 1)',
      },
    ],
  },
  {
    name: 'shard-lease-released-without-reading-recorded-offsets',
    breaks: 'decision 33',
    workloads: ['race', 'quiet'],
    exhausted: 'runtime/delivery/law-shard-lease.test.ts',
    swaps: [
      {
        file: runtime('delivery/acquire-shard-lease'),
        from: 'nextOffset === undefined ? undefined : await startLease(context, next, completedLease(row), nextOffset)',
        to: 'undefined as LeaseWrite<LeasedRun>',
      },
    ],
  },
  {
    name: 'older-recorded-offset-is-sufficient',
    breaks: 'decision 33',
    workloads: ['race', 'quiet'],
    exhausted: 'runtime/delivery/law-shard-lease.test.ts',
    swaps: [{ file: runtime('delivery/shard-lease'), from: 'if (isNoted && wasWrittenSince)', to: 'if (isNoted)' }],
  },
  {
    name: 'receipt-before-the-posts',
    breaks: 'H7',
    workloads: ['race', 'quiet'],
    exhausted: 'runtime/log/law-publish.test.ts',
    swaps: [
      {
        file: runtime('delivery/deliver'),
        from: `  await deliverToAudience(context, { topic, slot }, inlineMs)
  await context.store.putReceipt(topic, slot.offset, Math.ceil(context.clock.now() / 1_000) + receiptSeconds)`,
        to: `  await context.store.putReceipt(topic, slot.offset, Math.ceil(context.clock.now() / 1_000) + receiptSeconds)
  await deliverToAudience(context, { topic, slot }, inlineMs)`,
      },
    ],
  },
  {
    name: 'connection-not-read-again-after-the-claim',
    breaks: '[LAW-CONNECTION-ROW], S3',
    workloads: ['leave', 'race'],
    exhausted: 'runtime/subscriptions/law-unsubscribe.test.ts',
    swaps: [
      {
        file: runtime('subscriptions/subscribe'),
        from: 'return hooks.registered(row, () => stillOpen(scope, row))',
        to: 'return hooks.registered(row, async () => true)',
      },
    ],
  },
  {
    name: 'counter-then-put',
    breaks: '[LAW-SLOT-PUT]',
    workloads: ['chat', 'keyed'],
    swaps: [
      {
        file: runtime('log/append'),
        from: 'export async function append(scope: RuntimeContext, event: NewEvent): Promise<Slot> {',
        to: `export async function append(scope: RuntimeContext, event: NewEvent): Promise<Slot> {
  const last = await readNewest(scope, event.topic)
  const counters = (globalThis as unknown as { counters: Map<string, number> }).counters
  const offset = Math.max(last?.offset ?? 0, counters.get(event.topic) ?? 0) + 1
  counters.set(event.topic, offset)
  const counted = { ...toSlot(scope, event, randomName(scope.clock, 20), last), offset }
  if ((await scope.store.putSlot(event.topic, counted)).status === 'put') return counted`,
      },
      {
        file: 'packages/simulator/src/world/create-world.ts',
        from: 'export function createWorld(options: WorldOptions): World {',
        to: 'export function createWorld(options: WorldOptions): World {\n  ;(globalThis as unknown as { counters: unknown }).counters = new Map()',
      },
    ],
  },
  {
    name: 'head-hint-instead-of-an-anchor',
    breaks: '[LAW-LOGICAL-EXPIRY]',
    workloads: ['chat', 'snapshot'],
    swaps: [
      {
        file: runtime('log/retention'),
        from: 'return slot.expires * 1_000 - now > hour',
        to: 'return slot.offset > now - now',
      },
    ],
  },
  {
    name: 'retry-does-not-walk-from-its-base',
    breaks: '[LAW-PUBLISH-ONCE]',
    workloads: ['keyed'],
    exhausted: 'runtime/calls/law-keys.test.ts',
    swaps: [
      {
        file: runtime('log/append-once'),
        from: 'const recorded = await scope.store.recordBase({ ...under, base: newest?.offset ?? 0 })',
        to: `const claimed = await scope.store.recordBase({ ...under, base: newest?.offset ?? 0 })
  const recorded = claimed.status === 'lost' ? claimed : { ...claimed, base: newest?.offset ?? 0 }`,
      },
    ],
  },
  {
    name: 'short-lease',
    breaks: '[LAW-ONE-EFFECT]',
    workloads: ['keyed'],
    exhausted: 'runtime/generators/law-zombies.test.ts',
    swaps: [
      {
        file: runtime('calls/idempotent-call'),
        from: 'const leaseGraceMs = 31_000',
        to: 'const leaseGraceMs = -27_500',
      },
    ],
  },
  {
    name: 'unfenced-completion',
    breaks: '[LAW-ONE-EFFECT]',
    workloads: ['keyed'],
    exhausted: 'runtime/generators/law-zombies.test.ts',
    swaps: [
      {
        file: runtime('calls/idempotent-call'),
        from: 'const leaseGraceMs = 31_000',
        to: 'const leaseGraceMs = -27_500',
      },
      {
        file: 'packages/server/src/memory/idempotency.ts',
        from: "if (isRunningUnder(row, owner)) return { status: 'settled'",
        to: "if (settled.state === 'DONE') return { status: 'settled'",
      },
    ],
  },
  {
    name: 'tombstone-only-in-the-topic-row',
    breaks: '[LAW-CONNECTION-ROW], U1',
    workloads: ['leave', 'race'],
    exhausted: 'runtime/subscriptions/law-unsubscribe.test.ts',
    swaps: [
      {
        file: runtime('subscriptions/unsubscribe'),
        from: 'const { status, row } = await scope.store.stopSubscription({ connectionId, id, ref: request.ref, expires })',
        to: `const found = await scope.store.readSubscription(connectionId, id)
  const row = found ?? { topic: undefined, shard: undefined }
  const status: string = 'stopped'`,
      },
    ],
  },
  {
    name: 'retry-lands-in-another-shard',
    breaks: '[LAW-CONNECTION-ROW], S1',
    workloads: ['race', 'chat'],
    swaps: [
      {
        file: 'packages/server/src/memory/subscriptions.ts',
        from: 'on: true, shard: row?.shard ?? claim.shard })',
        to: 'on: true, shard: claim.shard })',
      },
      {
        file: runtime('context/shard-hints'),
        from: 'return hash(connectionId) % (known.get(topic) ?? 1)',
        to: 'return Math.floor(Math.random() * (known.get(topic) ?? 1))',
      },
      { file: 'packages/simulator/src/kernel/globals.ts', from: "  [Math, 'random'],\n", to: '' },
    ],
  },
  {
    name: 'previous-is-always-the-start-of-the-block',
    breaks: '[LAW-COVERAGE]',
    workloads: ['quiet', 'chat'],
    swaps: [
      {
        file: runtime('recipients/filtered-result'),
        from: 'const prev = lastMatch(context, of, earlier)',
        to: 'const prev = lastMatch(context, { ...of, pipe: [{ kind: "filter", keep: () => false }] }, earlier)',
      },
    ],
  },
  {
    name: 'filtered-holes-are-accepted',
    breaks: '[LAW-COVERAGE]',
    workloads: ['chat', 'quiet'],
    swaps: [
      {
        file: client('session/machine/sequencer'),
        from: 'if (frame.prev > position.offset) return hold(order, frame)',
        to: '',
      },
    ],
  },
  {
    name: 'no-hold-back',
    breaks: '[LAW-COVERAGE]',
    workloads: ['chat', 'quiet'],
    swaps: [
      {
        file: client('session/machine/sequencer'),
        from: "return unchanged(next, 'hole')",
        to: "return position === null ? unchanged(next, 'hole') : { order: { ...order, position: { epoch: frame.epoch, offset: frame.offset } }, applied: [frame], verdict: 'whole' }",
      },
      {
        file: client('session/machine/sequencer'),
        from: 'const { held, heldSize } = order\n  const full',
        to: 'const { held, heldSize, position } = order\n  const full',
      },
    ],
  },
  {
    name: 'no-dedupe',
    breaks: '[LAW-COVERAGE]',
    workloads: ['chat', 'quiet'],
    swaps: [
      {
        file: client('session/machine/sequencer'),
        from: 'if (frame.offset <= position.offset) return unchanged(order)',
        to: "if (frame.offset <= position.offset) return { order, applied: [frame], verdict: 'whole' }",
      },
    ],
  },
  {
    name: 'no-sync',
    breaks: '[LAW-SYNC-HEADS]',
    workloads: ['chat', 'auth'],
    swaps: [
      {
        file: client('session/lifecycle/keepalive'),
        from: 'if (!syncAll(transition)) transition.send',
        to: 'transition.send',
      },
    ],
  },
  {
    name: 'stale-authority-in-the-rows',
    breaks: '[LAW-SERVER-IDENTITY]',
    workloads: ['auth'],
    exhausted: 'runtime/connections/law-authority.test.ts',
    swaps: [
      {
        file: runtime('subscriptions/subscribe'),
        from: 'if (connection.authExp !== row.authExp)',
        to: 'if (connection.authExp === Number.NaN)',
      },
    ],
  },
  {
    name: 'presence-without-a-grace-period',
    breaks: 'H13: no flicker',
    workloads: ['presence'],
    swaps: [
      {
        file: runtime('presence/rows/disconnect-session'),
        from: '{ ...mine, leaving: true, lease: now + rules.graceMs }',
        to: '{ ...mine, leaving: true, lease: now }',
      },
    ],
  },
  {
    name: 'presence-lost-with-any-connection',
    breaks: 'H13: no flicker',
    workloads: ['presence'],
    swaps: [
      {
        file: runtime('presence/rows/disconnect-session'),
        from: 'mine?.connectionId === connectionId && !mine.leaving',
        to: 'mine !== undefined && connectionId !== undefined && !mine.leaving',
      },
    ],
  },
  {
    name: 'presence-snapshot-includes-pending-changes',
    breaks: 'H13: exact',
    workloads: ['presence'],
    exhausted: 'runtime/presence/law-presence.test.ts',
    swaps: [
      {
        file: runtime('presence/snapshot'),
        from: 'row?.pending === true ? await appendChange(context, log, row) : row',
        to: 'row',
      },
    ],
  },
  {
    name: 'presence-without-a-sweep',
    breaks: 'H13: no stale members',
    workloads: ['presence'],
    swaps: [
      { file: runtime('presence/sweep'), from: 'if (due > now) return', to: 'if (due >= 0 || due > now) return' },
    ],
  },
  {
    name: 'stock-delivery-not-awaited',
    breaks: '[LAW-STOCK-ORDER]',
    workloads: ['stock'],
    swaps: [
      {
        file: runtime('delivery/deliver-to-connections'),
        from: '        trackPending(work)',
        to: '',
      },
    ],
  },
  {
    name: 'generator-error-overtakes-its-values',
    breaks: 'TL-GEN-10',
    workloads: ['generators'],
    swaps: [{ file: client('session/on-message'), from: 'if (frame.ref === undefined)', to: 'if (frame.ref !== 0)' }],
  },
  {
    name: 'generator-ignores-its-stop',
    breaks: 'TL-GEN-5',
    workloads: ['generators'],
    exhausted: 'runtime/generators/law-generators.test.ts',
    swaps: [{ file: runtime('calls/run-lease'), from: "if (!holds(row)) return 'stopped'", to: 'holds(row)' }],
  },
  {
    name: 'generator-claim-without-a-condition',
    breaks: 'TL-GEN-6',
    workloads: ['generators'],
    exhausted: 'runtime/generators/law-generators.test.ts',
    swaps: [
      {
        file: 'packages/server/src/memory/subscriptions.ts',
        from: 'const passes = existing !== undefined && isUnderRun(existing, { ref: name.ref, run: from })',
        to: 'const passes = existing?.on === true && existing.ref === name.ref && from !== undefined',
      },
    ],
  },
  {
    name: 'generator-stopped-before-its-final-frame',
    breaks: 'TL-GEN-7',
    workloads: ['stock-generators'],
    exhausted: 'runtime/generators/law-generators.test.ts',
    swaps: [
      {
        file: runtime('generators/finish-run'),
        from: '  for (const frame of frames) await run.posts.add(frame)\n  await run.posts.drain()\n  await stopRow(scope, run)',
        to: '  await stopRow(scope, run)\n  for (const frame of frames) await run.posts.add(frame)\n  await run.posts.drain()',
      },
    ],
  },
  {
    name: 'presence-lost-session-renewed',
    breaks: 'H13: no stale members',
    workloads: ['presence'],
    exhausted: 'runtime/presence/law-presence.test.ts',
    swaps: [
      {
        file: runtime('presence/renew-lease'),
        from: 'if (!isOf(mine, session) || mine.leaving || mine.lease - now',
        to: 'if (!isOf(mine, session) || mine.lease - now',
      },
      {
        file: runtime('presence/renew-lease'),
        from: 'return { ...mine, lease: Math.max(mine.lease, now + leaseMs) }',
        to: 'return { ...mine, leaving: false, lease: Math.max(mine.lease, now + leaseMs) }',
      },
    ],
  },
  {
    name: 'presence-change-before-a-pending-change',
    breaks: 'H13: in order',
    workloads: ['presence'],
    exhausted: 'runtime/presence/law-presence.test.ts',
    swaps: [
      {
        file: runtime('presence/change-member'),
        from: 'if (change !== undefined && row?.pending === true)',
        to: 'if (change !== undefined && row?.pending === true && now < 0)',
      },
    ],
  },
  {
    name: 'presence-change-under-another-id',
    breaks: 'H13: each once',
    workloads: ['presence'],
    exhausted: 'runtime/presence/law-presence.test.ts',
    swaps: [
      {
        file: runtime('presence/append-change'),
        from: 'publishId: row.said.id,',
        to: 'publishId: row.said.id + randomName(context.clock, 4),',
      },
    ],
  },
  {
    name: 'leaked-handover-socket',
    breaks: '[LAW-TWO-SOCKETS]',
    workloads: ['handover'],
    swaps: [
      {
        file: client('session/lifecycle/handover'),
        from: "transition.emit({ type: 'drop', socket: handover.socket })",
        to: '',
      },
    ],
  },
  {
    name: 'a-rewound-log-is-not-reported',
    breaks: 'TL-SYNC-4',
    workloads: ['rewound'],
    swaps: [
      {
        file: client('session/subscriptions/on-subscription-frame'),
        from: "gap !== undefined && (gap === 'new-epoch' || !isBack(position, from))",
        to: 'gap !== undefined && !isBack(position, from)',
      },
    ],
  },
  {
    name: 'a-snapshot-resumes-with-a-cursor-of-a-rewound-log',
    breaks: 'TL-SYNC-4',
    workloads: ['rewound'],
    exhausted: 'client/session/subscriptions/snapshot.test.ts',
    swaps: [
      {
        file: client('session/subscriptions/on-subscription-frame'),
        from: 'return goesBack ? startOver(transition, begun) : resume(transition, begun)',
        to: 'return resume(transition, begun)',
      },
    ],
  },
  {
    name: 'held-events-of-a-rewound-log-are-kept',
    breaks: 'TL-SYNC-4',
    workloads: ['rewound'],
    exhausted: 'client/session/step.test.ts',
    swaps: [
      {
        file: client('session/subscriptions/sync'),
        from: '&& askedKnown > answeredHead',
        to: '&& askedKnown > answeredHead + 1e9',
      },
      {
        file: client('session/subscriptions/on-subscription-frame'),
        from: 'recordHead(dropBeyondPosition(subscription.order), head)',
        to: 'noted.order',
      },
    ],
  },
  {
    name: 'a-connection-without-a-row-is-kept',
    breaks: 'TL-SUB-16',
    workloads: ['rewound'],
    swaps: [
      {
        file: runtime('subscriptions/subscribe'),
        from: 'if (connection === undefined) await deleteConnection(',
        to: 'if (false) await deleteConnection(',
      },
    ],
  },
]
