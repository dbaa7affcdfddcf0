import type { ErasableRow, ErasureStore } from '../../ports/erasure.ts'
import type { ConnectionSubscription } from '../../ports/subscriptions.ts'
import { ownerOf } from '../calls/idempotency-key.ts'
import { mapConcurrent } from '../context/map-concurrent.ts'
import { deleteConnection } from '../posting/post.ts'
import { erasePresenceEvents, eraseSession } from './erase-presence.ts'
import type { EraseRun } from './run.ts'

const connectionsAtOnce = 4

/**
 * Removes the rows about a principal. The whole store is walked once, because most of them are under names that no index
 * leads to.
 */
export async function erasePrincipal(run: EraseRun, erasure: ErasureStore, principal: string): Promise<void> {
  if (run.state.step === 'rows') {
    await eraseRows(run, erasure, principal)
    if (run.isStopped) return
  }
  await eraseMemberEvents(run)
}

async function eraseRows(run: EraseRun, erasure: ErasureStore, principal: string): Promise<void> {
  const owner = ownerOf({ principal, session: '' })
  const total = await erasure.countRows()
  const walk = { run, erasure, principal, others: new Set<string>() }
  const { examined: before } = run.state
  run.begin({ step: 'rows', done: before, left: total - before })
  if (run.state.next === undefined) await eraseListed(walk)
  for (let more = true; more && !run.isStopped; ) {
    const page = await erasure.findRows({ principal, owner }, run.state.next)
    for (let at = 0; at < page.rows.length && !run.isStopped; at += run.pageRows) {
      const some = page.rows.slice(at, at + run.pageRows)
      await mapConcurrent(some, connectionsAtOnce, (row) => eraseFound(walk, row))
      run.report()
      await run.pace(some.length)
    }
    if (run.isStopped) return // the next run examines the page again
    const examined = run.state.examined + page.examined
    const { next: _, ...state } = run.state
    run.state = { ...state, examined, ...(page.next !== undefined && { next: page.next }) }
    more = page.next !== undefined
    if (!more) run.update({ step: 'members' }) // a state that is stopped here does not walk again
    await run.finishPage({ step: 'rows', done: examined, left: more ? total - examined : 0 }, 0)
  }
}

/** Closes the connections that the principal's index lists before the walk, which may take long, comes to them. */
async function eraseListed(walk: Walk): Promise<void> {
  const { run, principal } = walk
  for (const { connectionId } of await run.context.store.readPrincipalConnections(principal)) {
    if (run.isStopped) return
    await eraseConnection(walk, connectionId)
    await run.pace(1)
  }
}

interface Walk {
  readonly run: EraseRun
  readonly erasure: ErasureStore
  readonly principal: string
  /** Connections of others, whose large messages were met. */
  readonly others: Set<string>
}

async function eraseFound(walk: Walk, row: ErasableRow): Promise<void> {
  const { run, erasure } = walk
  switch (row.kind) {
    case 'connection':
      return eraseConnection(walk, row.connectionId)
    case 'subscriber':
      return run.count({ subscriptions: isErased(await erasure.eraseRow(row)) })
    case 'key': {
      const result = await erasure.eraseRow(row)
      return run.count({ keys: isErased(result), runningKeys: result === 'running' ? 1 : 0 })
    }
    case 'subscription':
    case 'runs':
    case 'rate':
      return run.count({ runs: isErased(await erasure.eraseRow(row)) })
    case 'upload':
    case 'part':
      if (await isOwn(walk, row.connectionId)) run.count({ uploads: isErased(await erasure.eraseRow(row)) })
  }
}

const isErased = (result: 'erased' | 'absent' | 'running') => (result === 'erased' ? 1 : 0)

/** Whether a connection belongs to the principal. One that was erased says so no more, so the run remembers it. */
async function isOwn({ run, principal, others }: Walk, connectionId: string): Promise<boolean> {
  if (run.state.connections.includes(connectionId)) return true
  if (others.has(connectionId)) return false
  const row = await run.context.store.readConnection(connectionId)
  if (row?.principal === principal) return true
  others.add(connectionId)
  return false
}

/**
 * Closes a connection, ends its subscriptions, and empties its row. The row is CLOSED before its subscriptions are read,
 * so that a subscribe that is under way ends by itself [LAW-CONNECTION-ROW].
 */
async function eraseConnection({ run, erasure, principal }: Walk, connectionId: string): Promise<void> {
  const { store, clock } = run.context
  const row = await store.readConnection(connectionId)
  if (row?.principal !== principal) return store.deletePrincipalConnection({ principal, connectionId })
  const hasSocket = row.via === undefined
  const mayBeOpen = hasSocket && row.state === 'OPEN' && row.expires * 1_000 > clock.now()
  if (mayBeOpen && (await closeSocket(run, connectionId)) === 'failed') return noteFailed(run, connectionId)
  await store.closeConnection(connectionId, row.expires)
  for (const subscription of await store.readSubscriptions(connectionId))
    await eraseSubscription({ run, erasure, hasSocket }, subscription)
  await store.deletePrincipalConnection({ principal, connectionId })
  await erasure.eraseRow({ kind: 'connection', connectionId })
  run.update({ connections: [...run.state.connections, connectionId] })
  run.count({ connections: 1 })
}

function noteFailed(run: EraseRun, connectionId: string): void {
  const { failed } = run.state
  if (failed.includes(connectionId)) return // a page is examined again after a stop
  run.update({ failed: [...failed, connectionId] })
  run.count({ failed: 1 })
}

async function closeSocket({ context }: EraseRun, connectionId: string): Promise<'closed' | 'gone' | 'failed'> {
  if (context.gateway !== undefined) return deleteConnection(context, connectionId)
  throw new Error(
    'Expected the backend to have a gateway, which closes open connections, got none. Set TRUNKLINE_CALLBACK_URL to the URL of the API’s stage, or pass it to the backend as `callbackUrl`.',
  )
}

async function eraseSubscription(
  { run, erasure, hasSocket }: Pick<Walk, 'run' | 'erasure'> & { readonly hasSocket: boolean },
  { connectionId, id, ref, topic, shard, seat }: ConnectionSubscription,
): Promise<void> {
  const { context } = run
  if (topic !== undefined && shard !== undefined) {
    // Over HTTP the topic has no row. [TL-HTTP-8]
    if (hasSocket) await context.store.deleteSubscriber({ topic, shard, connectionId, id, ref })
    if (seat !== undefined && (await eraseSession(context, topic, seat))) {
      const isNew = !run.state.members.some(([of, member]) => of === topic && member === seat.member)
      if (isNew) run.update({ members: [...run.state.members, [topic, seat.member]] })
      if (isNew) run.count({ members: 1 })
    }
  }
  run.count({ subscriptions: isErased(await erasure.eraseRow({ kind: 'subscription', connectionId, id })) })
}

/** Erases the events of the members that were removed, topic by topic. */
async function eraseMemberEvents(run: EraseRun): Promise<void> {
  const total = run.state.counts.members
  const left = run.state.members.length
  run.begin({ step: 'members', done: total - left, left })
  for (let [next] = run.state.members; next !== undefined && !run.isStopped; [next] = run.state.members) {
    await erasePresenceEvents(run, ...next)
    if (run.isStopped) return
    const members = run.state.members.slice(1)
    run.update({ members })
    await run.finishPage({ step: 'members', done: total - members.length, left: members.length }, 0)
  }
}
