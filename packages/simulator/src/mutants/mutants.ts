// Over 200 lines: it is the table of mutants.

import type { Mutant } from './mutant.ts'

const runtime = (file: string) => `packages/server/src/runtime/${file}.ts`
const client = (file: string) => `packages/client/src/${file}.ts`
const replayed = 'await replay(context, request, descriptor)'

export const mutants: readonly Mutant[] = [
  {
    name: 'stock-delivery-without-a-lock',
    breaks: '[LAW-STOCK-ORDER]',
    workloads: ['stock'],
    exhausted: 'runtime/stock-clients/law-stock.test.ts',
    changes: [{ ports: 'lockIsAlwaysAcquired' }],
  },
  {
    name: 'stock-unknown-post-skipped',
    breaks: '[LAW-STOCK-ORDER]',
    workloads: ['stock'],
    exhausted: 'runtime/stock-clients/law-stock.test.ts',
    changes: [{ file: runtime('posting/post-once'), export: 'postOnce', by: 'uncertainPostCounts' }],
  },
  {
    name: 'read-then-register',
    breaks: '[LAW-REGISTER-THEN-READ]',
    workloads: ['race', 'quiet'],
    exhausted: 'runtime/subscriptions/law-subscribe.test.ts',
    changes: [
      {
        file: runtime('subscriptions/subscribe'),
        from: '  // S2: the topic',
        to: `  const early = ${replayed}\n  // S2: the topic`,
        because: 'the order of two steps inside one function',
      },
      {
        file: runtime('subscriptions/subscribe'),
        from: `const found = ${replayed}`,
        to: 'const found = early',
        because: 'the order of two steps inside one function',
      },
    ],
  },
  {
    name: 'stale-subscriber-index',
    breaks: '[LAW-REGISTER-THEN-READ]',
    workloads: ['quiet', 'race'],
    exhausted: 'runtime/subscriptions/law-subscribe.test.ts',
    changes: [{ ports: 'subscribersAreStale' }],
  },
  {
    name: 'shards-read-before-the-append',
    breaks: 'H6',
    workloads: ['race', 'quiet'],
    exhausted: 'runtime/log/law-publish.test.ts',
    changes: [{ ports: 'shardsAreStale' }],
  },
  {
    name: 'shard-lease-released-without-reading-recorded-offsets',
    breaks: 'decision 33',
    workloads: ['race', 'quiet'],
    exhausted: 'runtime/delivery/law-shard-lease.test.ts',
    changes: [
      { file: runtime('delivery/acquire-shard-lease'), export: 'completeLease', by: 'recordedOffsetsAreIgnored' },
    ],
  },
  {
    name: 'older-recorded-offset-is-sufficient',
    breaks: 'decision 33',
    workloads: ['race', 'quiet'],
    exhausted: 'runtime/delivery/law-shard-lease.test.ts',
    changes: [{ file: runtime('delivery/shard-lease'), export: 'requestLease', by: 'olderOffsetIsSufficient' }],
  },
  {
    name: 'receipt-before-the-posts',
    breaks: 'H7',
    workloads: ['race', 'quiet'],
    exhausted: 'runtime/log/law-publish.test.ts',
    changes: [
      {
        file: runtime('delivery/deliver'),
        from: `  await deliverToAudience(context, deliveries, inlineMs)
  await putReceipts(context, topic, slots)`,
        to: `  await putReceipts(context, topic, slots)
  await deliverToAudience(context, deliveries, inlineMs)`,
        because: 'the order of two steps inside one function',
      },
    ],
  },
  {
    name: 'connection-not-read-again-after-the-claim',
    breaks: '[LAW-CONNECTION-ROW], S3',
    workloads: ['leave', 'race'],
    exhausted: 'runtime/subscriptions/law-unsubscribe.test.ts',
    changes: [
      {
        file: runtime('subscriptions/channel-hooks'),
        from: 'const isOpen = () => (isPolled ? isPolledOpen : isStillOpen)(context, row, right)',
        to: 'const isOpen = async () => row !== undefined',
        because: 'the check is a closure',
      },
    ],
  },
  {
    name: 'right-not-checked-at-resume',
    breaks: '[LAW-RIGHTS]',
    workloads: ['rights'],
    exhausted: 'runtime/connections/law-rights.test.ts',
    changes: [{ file: runtime('subscriptions/subscribe-right'), export: 'subscribeRight', by: 'resumeIsNotChecked' }],
  },
  {
    name: 'claims-of-rows-not-rewritten',
    breaks: '[LAW-SERVER-IDENTITY]',
    workloads: ['rights'],
    exhausted: 'runtime/connections/law-authority.test.ts',
    changes: [{ ports: 'claimsAreNotRewritten' }],
  },
  {
    name: 'old-rows-not-read-again',
    breaks: '[LAW-RIGHTS]',
    workloads: ['rights'],
    exhausted: 'runtime/connections/law-rights.test.ts',
    changes: [{ file: runtime('recipients/current-rows'), export: 'isCurrent', by: 'oldRowsAreCurrent' }],
  },
  {
    name: 'bans-read-before-the-rows-are-written',
    breaks: '[LAW-REVOKE]',
    workloads: ['kicked'],
    exhausted: 'runtime/connections/law-revoke.test.ts',
    changes: [{ ports: 'restrictionsAreReadEarly' }],
  },
  {
    name: 'closed-is-not-final-for-a-connect',
    breaks: '[LAW-REVOKE]',
    workloads: ['kicked'],
    exhausted: 'runtime/connections/law-revoke.test.ts',
    changes: [
      {
        file: runtime('connections/connect'),
        from: "if (put === 'exists') return { status: 'closed' }",
        to: '',
        because: 'a branch inside one function',
      },
    ],
  },
  {
    name: 'a-running-call-does-not-look-at-its-connection',
    breaks: '[LAW-REVOKE]',
    workloads: ['kicked'],
    exhausted: 'runtime/kick.test.ts',
    changes: [{ file: runtime('connections/restrictions'), export: 'isEnded', by: 'noRunEnds' }],
  },
  {
    name: 'counter-then-put',
    breaks: '[LAW-SLOT-PUT]',
    workloads: ['chat', 'keyed'],
    changes: [{ file: runtime('log/append'), export: 'append', by: 'offsetIsCounted' }],
  },
  {
    name: 'head-hint-instead-of-an-anchor',
    breaks: '[LAW-LOGICAL-EXPIRY]',
    workloads: ['chat', 'snapshot'],
    changes: [{ file: runtime('log/retention'), export: 'isAnchor', by: 'everySlotIsAnchor' }],
  },
  {
    name: 'retry-does-not-walk-from-its-base',
    breaks: '[LAW-PUBLISH-ONCE]',
    workloads: ['keyed'],
    exhausted: 'runtime/calls/law-keys.test.ts',
    changes: [{ ports: 'baseIsNotRecorded' }],
  },
  {
    name: 'short-lease',
    breaks: '[LAW-ONE-EFFECT]',
    workloads: ['keyed'],
    exhausted: 'runtime/generators/law-zombies.test.ts',
    changes: [{ ports: 'keyLeaseIsShort' }],
  },
  {
    name: 'unfenced-completion',
    breaks: '[LAW-ONE-EFFECT]',
    workloads: ['keyed'],
    exhausted: 'runtime/generators/law-zombies.test.ts',
    changes: [{ ports: 'anyAttemptSettlesKey' }],
  },
  {
    name: 'tombstone-only-in-the-topic-row',
    breaks: '[LAW-CONNECTION-ROW], U1',
    workloads: ['leave', 'race'],
    exhausted: 'runtime/subscriptions/law-unsubscribe.test.ts',
    changes: [{ ports: 'stopWritesNoTombstone' }],
  },
  {
    name: 'retry-lands-in-another-shard',
    breaks: '[LAW-CONNECTION-ROW], S1',
    workloads: ['race', 'chat'],
    changes: [
      { ports: 'claimReturnsRequestedShard' },
      { file: runtime('context/shard-hints'), export: 'firstShard', by: 'eachAttemptChoosesShard' },
    ],
  },
  {
    name: 'one-partition-is-not-followed',
    breaks: '[LAW-PARTITIONS]',
    workloads: ['partitions'],
    changes: [
      {
        file: client('partitions'),
        from: 'index < this.#count && !this.#isOver; index++',
        to: 'index < Math.max(1, this.#count - 1) && !this.#isOver; index++',
        because: 'the bound of a loop',
      },
      {
        file: client('partitions'),
        from: 'this.#parts.length < this.#count) return',
        to: 'this.#parts.length < this.#count - 1) return',
        because: 'a condition inside one method',
      },
    ],
  },
  {
    name: 'added-partition-begins-with-the-next-event',
    breaks: '[LAW-PARTITIONS]',
    workloads: ['partitions'],
    exhausted: 'runtime/log/law-partitions.test.ts',
    changes: [
      {
        file: client('partitions'),
        from: "if (this.#isOpen || this.#carrier !== undefined) return 'start'",
        to: "if (this.#isOpen || this.#carrier !== undefined) return 'new'",
        because: 'a branch inside one method',
      },
    ],
  },
  {
    name: 'repeated-publish-chooses-its-partition-again',
    breaks: '[LAW-PARTITIONS]',
    workloads: ['partitions'],
    exhausted: 'runtime/log/law-partitions.test.ts',
    changes: [
      {
        file: runtime('log/choose-partition'),
        from: '  return recorded.base',
        to: '  return chosen',
        because: 'the last step of one function',
      },
    ],
  },
  {
    name: 'number-of-partitions-is-not-written',
    breaks: '[LAW-PARTITIONS]',
    workloads: ['partitions'],
    exhausted: 'runtime/log/law-partitions.test.ts',
    changes: [
      {
        file: runtime('log/partition-count'),
        from: '  if (declared > 1) await writeCount',
        to: '  if (declared > 99) await writeCount',
        because: 'a step inside one function',
      },
    ],
  },
  {
    name: 'state-is-loaded-by-the-first-partition',
    breaks: '[LAW-PARTITIONS]',
    workloads: ['partitions'],
    changes: [
      {
        file: client('partitions'),
        from: 'if (isLast && !this.#parts.every(({ hasStarted }) => hasStarted)) return',
        to: '',
        because: 'a branch inside one method',
      },
    ],
  },
  {
    name: 'previous-is-always-the-start-of-the-block',
    breaks: '[LAW-COVERAGE]',
    workloads: ['quiet', 'chat'],
    changes: [
      {
        file: runtime('recipients/filtered-result'),
        from: 'const prev = lastMatch(context, of, earlier)',
        to: 'const prev = lastMatch(context, { ...of, pipe: [{ kind: "filter", keep: () => false }] }, earlier)',
        because: 'the function is not exported',
      },
    ],
  },
  {
    name: 'filtered-holes-are-accepted',
    breaks: '[LAW-COVERAGE]',
    workloads: ['chat', 'quiet'],
    changes: [{ file: client('session/machine/sequencer'), export: 'receive', by: 'filteredHoleIsAccepted' }],
  },
  {
    name: 'no-hold-back',
    breaks: '[LAW-COVERAGE]',
    workloads: ['chat', 'quiet'],
    changes: [{ file: client('session/machine/sequencer'), export: 'receive', by: 'earlyFrameIsApplied' }],
  },
  {
    name: 'no-dedupe',
    breaks: '[LAW-COVERAGE]',
    workloads: ['chat', 'quiet'],
    changes: [{ file: client('session/machine/sequencer'), export: 'receive', by: 'knownFrameIsApplied' }],
  },
  {
    name: 'no-sync',
    breaks: '[LAW-SYNC-HEADS]',
    workloads: ['chat', 'auth'],
    changes: [{ file: client('session/subscriptions/sync'), export: 'syncAll', by: 'keepaliveSyncsNothing' }],
  },
  {
    name: 'stale-authority-in-the-rows',
    breaks: '[LAW-SERVER-IDENTITY]',
    workloads: ['auth'],
    exhausted: 'runtime/connections/law-authority.test.ts',
    changes: [
      {
        file: runtime('recipients/can-receive'),
        from: 'const connection = await readOnce(row.connectionId)',
        to: 'const connection = undefined as ConnectionRow | undefined',
        because: 'the read is one step inside a function',
      },
    ],
  },
  {
    name: 'presence-without-a-grace-period',
    breaks: 'H13: no flicker',
    workloads: ['presence'],
    changes: [{ file: runtime('presence/rows/find-presence'), export: 'presenceAt', by: 'graceIsZero' }],
  },
  {
    name: 'presence-lost-with-any-connection',
    breaks: 'H13: no flicker',
    workloads: ['presence'],
    changes: [
      {
        file: runtime('presence/rows/disconnect-session'),
        export: 'disconnectRow',
        by: 'sessionEndsWithAnyConnection',
      },
    ],
  },
  {
    name: 'presence-snapshot-includes-pending-changes',
    breaks: 'H13: exact',
    workloads: ['presence'],
    exhausted: 'runtime/presence/law-presence.test.ts',
    changes: [{ file: runtime('presence/snapshot'), export: 'snapshotMembers', by: 'snapshotIgnoresPending' }],
  },
  {
    name: 'presence-without-a-sweep',
    breaks: 'H13: no stale members',
    workloads: ['presence'],
    changes: [{ file: runtime('presence/sweep'), export: 'sweepIfDue', by: 'nothingIsSwept' }],
  },
  {
    name: 'stock-delivery-not-awaited',
    breaks: '[LAW-STOCK-ORDER]',
    workloads: ['stock'],
    changes: [
      { file: runtime('delivery/deliver-to-connections'), export: 'deliverTo', by: 'slowDeliveriesAreNotAwaited' },
    ],
  },
  {
    name: 'calls-survive-a-sign-in',
    breaks: '[LAW-ONE-EFFECT]',
    workloads: ['sign-in'],
    changes: [{ file: client('session/calls/calls'), export: 'endFormerCalls', by: 'callsSurviveSignIn' }],
  },
  {
    name: 'generator-error-overtakes-its-values',
    breaks: 'TL-GEN-10',
    workloads: ['generators'],
    changes: [
      { file: client('session/subscriptions/generator'), export: 'onRunFailure', by: 'runFailureIsNotOrdered' },
    ],
  },
  {
    name: 'generator-ignores-its-stop',
    breaks: 'TL-GEN-5',
    workloads: ['generators'],
    exhausted: 'runtime/generators/law-generators.test.ts',
    changes: [{ file: runtime('calls/run-lease'), export: 'watchRun', by: 'runIgnoresStop' }],
  },
  {
    name: 'generator-claim-without-a-condition',
    breaks: 'TL-GEN-6',
    workloads: ['generators'],
    exhausted: 'runtime/generators/law-generators.test.ts',
    changes: [{ ports: 'anyRunIsPassed' }],
  },
  {
    name: 'generator-stopped-before-its-final-frame',
    breaks: 'TL-GEN-7',
    workloads: ['stock-generators'],
    exhausted: 'runtime/generators/law-generators.test.ts',
    changes: [{ file: runtime('generators/finish-run'), export: 'finishRun', by: 'rowStopsBeforeFinalFrames' }],
  },
  {
    name: 'presence-lost-session-renewed',
    breaks: 'H13: no stale members',
    workloads: ['presence'],
    exhausted: 'runtime/presence/law-presence.test.ts',
    changes: [
      {
        file: runtime('presence/renew-lease'),
        from: 'if (!isOf(mine, session) || mine.leaving || mine.lease - now',
        to: 'if (!isOf(mine, session) || mine.lease - now',
        because: 'the function is called inside its own module',
      },
      {
        file: runtime('presence/renew-lease'),
        from: 'return { ...mine, lease: Math.max(mine.lease, now + leaseMs) }',
        to: 'return { ...mine, leaving: false, lease: Math.max(mine.lease, now + leaseMs) }',
        because: 'the function is called inside its own module',
      },
    ],
  },
  {
    name: 'presence-change-before-a-pending-change',
    breaks: 'H13: in order',
    workloads: ['presence'],
    exhausted: 'runtime/presence/law-presence.test.ts',
    changes: [{ file: runtime('presence/change-member'), export: 'changeMember', by: 'pendingChangeIsOverwritten' }],
  },
  {
    name: 'presence-change-under-another-id',
    breaks: 'H13: each once',
    workloads: ['presence'],
    exhausted: 'runtime/presence/law-presence.test.ts',
    changes: [{ file: runtime('log/append-once'), export: 'appendAfter', by: 'pendingChangeHasNewId' }],
  },
  {
    name: 'leaked-handover-socket',
    breaks: '[LAW-TWO-SOCKETS]',
    workloads: ['handover'],
    changes: [
      {
        file: client('session/lifecycle/handover'),
        from: "transition.emit({ type: 'drop', socket: handover.socket })",
        to: '',
        because: 'the function is called inside its own module',
      },
    ],
  },
  {
    name: 'a-rewound-log-is-not-reported',
    breaks: 'TL-SYNC-4',
    workloads: ['rewound'],
    changes: [
      {
        file: client('session/subscriptions/on-subscription-frame'),
        from: "gap !== undefined && (gap === 'new-epoch' || !isBack(position, from))",
        to: 'gap !== undefined && !isBack(position, from)',
        because: 'the function is not exported',
      },
    ],
  },
  {
    name: 'a-snapshot-resumes-with-a-cursor-of-a-rewound-log',
    breaks: 'TL-SYNC-4',
    workloads: ['rewound'],
    exhausted: 'client/session/subscriptions/snapshot.test.ts',
    changes: [
      {
        file: client('session/subscriptions/on-subscription-frame'),
        from: 'return goesBack ? startOver(transition, begun) : resume(transition, begun)',
        to: 'return resume(transition, begun)',
        because: 'the choice is one condition inside a function',
      },
    ],
  },
  {
    name: 'held-events-of-a-rewound-log-are-kept',
    breaks: 'TL-SYNC-4',
    workloads: ['rewound'],
    exhausted: 'client/session/step.test.ts',
    changes: [
      {
        file: client('session/subscriptions/sync'),
        from: '&& askedKnown > answeredHead',
        to: '&& askedKnown > answeredHead + 1e9',
        because: 'two conditions inside functions that do more',
      },
      {
        file: client('session/subscriptions/on-subscription-frame'),
        from: 'recordHead(dropBeyondPosition(subscription.order), head)',
        to: 'noted.order',
        because: 'two conditions inside functions that do more',
      },
    ],
  },
  {
    name: 'a-refused-publish-says-that-nothing-ran',
    breaks: 'TL-ERR-7',
    workloads: ['rates'],
    exhausted: 'runtime/rates/count-published.test.ts',
    changes: [
      {
        file: runtime('procedures/run-procedure'),
        from: 'throw markEntered(toTRPCError(thrown ?? noResult(path)))',
        to: 'throw toTRPCError(thrown ?? noResult(path))',
        because: 'one call inside a function',
      },
    ],
  },
  {
    name: 'a-connection-without-a-row-is-kept',
    breaks: 'TL-SUB-16',
    workloads: ['rewound'],
    changes: [
      {
        file: runtime('subscriptions/channel-hooks'),
        from: 'if (connection === undefined) await deleteConnection(',
        to: 'if (false) await deleteConnection(',
        because: 'the choice is one condition inside a function',
      },
    ],
  },
  {
    name: 'stream-chunks-without-a-fence',
    breaks: '[LAW-STREAM]',
    workloads: ['streams'],
    exhausted: 'runtime/producers/law-streams.test.ts',
    changes: [{ file: runtime('streams/state'), export: 'stateAfter', by: 'chunksAreAlwaysLawful' }],
  },
  {
    name: 'stream-close-without-a-fence',
    breaks: '[LAW-STREAM]',
    workloads: ['streams'],
    exhausted: 'runtime/producers/law-streams.test.ts',
    changes: [{ file: runtime('streams/state'), export: 'stateAfter', by: 'closesAreAlwaysLawful' }],
  },
  {
    name: 'stream-restart-is-not-marked',
    breaks: '[LAW-STREAM]',
    workloads: ['streams'],
    exhausted: 'runtime/producers/law-streams.test.ts',
    changes: [{ file: runtime('streams/state'), export: 'stateAfter', by: 'noRunIsMarkedAnew' }],
  },
  {
    name: 'stream-claimed-although-it-closes',
    breaks: '[LAW-STREAM-SETTLE]',
    workloads: ['streams'],
    exhausted: 'runtime/producers/law-streams.test.ts',
    changes: [
      { file: runtime('streams/state'), export: 'stateAfter', by: 'lostStreamsAreClaimed' },
      { file: runtime('streams/state'), export: 'judge', by: 'lostStreamsAreJudgedToContinue' },
    ],
  },
  {
    name: 'stream-stop-puts-no-slot',
    breaks: '[LAW-STREAM]',
    workloads: ['streams'],
    exhausted: 'runtime/producers/law-streams.test.ts',
    changes: [{ file: runtime('producers/stop-stream'), export: 'stopStream', by: 'stopPutsNothing' }],
  },
  {
    name: 'stream-batch-does-not-know-itself',
    breaks: '[LAW-STREAM]',
    workloads: ['streams'],
    exhausted: 'runtime/producers/law-streams.test.ts',
    changes: [{ ports: 'ownChunksAreForeign' }],
  },
  {
    name: 'a-polled-subscription-has-a-topic-row',
    breaks: 'TL-HTTP-8',
    workloads: ['http'],
    exhausted: 'lambda/http/law-http.test.ts',
    changes: [{ ports: 'polledSubscriptionHasTopicRow' }],
  },
  {
    name: 'a-polled-subscription-is-judged-by-a-topic-row',
    breaks: 'TL-HTTP-8',
    workloads: ['http'],
    exhausted: 'lambda/http/http-poll.test.ts',
    changes: [{ ports: 'polledSubscriptionIsJudgedByTopicRow' }],
  },
  {
    name: 'a-poll-never-verifies-the-position',
    breaks: 'TL-HTTP-9',
    workloads: ['http-rewound'],
    exhausted: 'lambda/http/http-poll.test.ts',
    changes: [{ file: runtime('subscriptions/poll'), export: 'toPoll', by: 'positionIsNeverVerified' }],
  },
  {
    name: 'a-polled-subscribe-does-not-read-its-connection-again',
    breaks: 'TL-HTTP-8',
    workloads: ['http'],
    exhausted: 'lambda/http/law-http.test.ts',
    changes: [
      {
        file: runtime('subscriptions/channel-hooks'),
        from: '(isPolled ? isPolledOpen : isStillOpen)(context, row, right)',
        to: '(isPolled ? async () => true : isStillOpen)(context, row, right)',
        because: 'one step inside a function; other steps read the connection by the same port',
      },
    ],
  },
]
