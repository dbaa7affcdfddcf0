// More than 200 lines: a store has about fifty operations.
import {
  type ConnectionRow,
  type ConnectionSubscription,
  type CountChange,
  type KeyRow,
  type Kicked,
  type OpenUpload,
  type PresenceRow,
  type PresenceSessionRow,
  type PrincipalConnection,
  type RateAddition,
  type Restriction,
  type RunPlaceLease,
  type ShardLeaseRow,
  type Slot,
  type SlotPage,
  type Store,
  StoreError,
  type Subscriber,
  type SubscriberRef,
  type UploadRow,
} from '@trunkline/server/ports'

type Name = string | number | undefined
const nameOf = (...names: readonly Name[]) => JSON.stringify(names)

/** A map whose keys are several names. */
class Table<Row> {
  readonly #rows = new Map<string, Row>()
  get(...names: readonly Name[]): Row | undefined {
    return this.#rows.get(nameOf(...names))
  }
  set<R extends Row>(row: R, ...names: readonly Name[]): R {
    this.#rows.set(nameOf(...names), row)
    return row
  }
  delete(...names: readonly Name[]): void {
    this.#rows.delete(nameOf(...names))
  }
  where(isIncluded: (row: Row) => boolean): Row[] {
    return [...this.#rows.values()].filter(isIncluded)
  }
}

/** A page of rows that are sorted by their names. */
function pageOf<Row>(rows: readonly Row[], name: (row: Row) => string, { limit = 10, from = '' } = {}) {
  const rest = rows.filter((row) => name(row) > from).sort((a, b) => (name(a) < name(b) ? -1 : 1))
  const page = rest.slice(0, limit)
  const last = page.at(-1)
  return { page, ...(last !== undefined && rest.length > limit && { next: name(last) }) }
}

const sortedByRun = (places: readonly RunPlaceLease[]) => [...places].sort((a, b) => (a.run < b.run ? -1 : 1))
const isLive = (row: ConnectionSubscription | undefined) => row?.on === true && row.topic !== undefined
const holds = (row: ConnectionSubscription, ref: number, run: string) => row.on && row.ref === ref && row.run === run
const runs = (row: KeyRow, owner: string) => row.state === 'RUNNING' && row.owner === owner
const keyOf = ({ topic, shard, connectionId, id }: Omit<SubscriberRef, 'ref'>) =>
  [topic, shard, connectionId, id] as const

/**
 * A store as somebody else would write it, from the published types and laws alone. An async function runs to its end
 * without a pause if it awaits nothing, so every operation is atomic.
 */
export class ToyStore implements Store {
  readonly kind = 'toy'
  readonly #slots = new Table<Slot & { readonly topic: string }>()
  readonly #receipts = new Set<string>()
  readonly #connections = new Table<ConnectionRow>()
  readonly #subscriptions = new Table<ConnectionSubscription>()
  readonly #subscribers = new Table<Subscriber>()
  readonly #shards = new Table<number>()
  readonly #keys = new Table<KeyRow>()
  readonly #members = new Table<PresenceRow>()
  readonly #sessions = new Table<PresenceSessionRow>()
  readonly #sweeps = new Table<number>()
  readonly #leases = new Table<ShardLeaseRow>()
  readonly #places = new Table<readonly RunPlaceLease[]>()
  readonly #rates = new Table<number>()
  readonly #leading = new Table<PrincipalConnection>()
  readonly #restrictions = new Table<Restriction>()
  readonly #streams = new Map<string, Table<string | number>>()
  readonly #counts = new Table<number>()
  readonly #marks = new Table<string>()
  readonly #texts = new Table<string>()
  readonly #open = new Table<readonly OpenUpload[]>()
  readonly #uploads = new Table<UploadRow & { readonly parts: readonly number[] }>()

  // the log

  #slotAt(topic: string, offset: number): Slot | undefined {
    const { topic: _, ...slot } = this.#slots.get(topic, offset) ?? { topic }
    return 'offset' in slot ? slot : undefined
  }
  #slotsOf(topic: string, isIncluded: (slot: Slot) => boolean): Slot[] {
    const rows = this.#slots.where((row) => row.topic === topic && isIncluded(row))
    return rows.sort((a, b) => a.offset - b.offset).map(({ topic: _, ...slot }) => slot)
  }
  async putSlot(topic: string, slot: Slot) {
    const existing = this.#slotAt(topic, slot.offset)
    if (existing !== undefined) return { status: 'taken', slot: existing } as const
    this.#slots.set({ topic, ...slot }, topic, slot.offset)
    return { status: 'put' } as const
  }
  async readSlots(topic: string, after: number, limit: number): Promise<SlotPage> {
    const slots = this.#slotsOf(topic, ({ offset }) => offset > after)
    return { slots: slots.slice(0, limit), more: slots.length > limit }
  }
  async readSlotsBefore(topic: string, before: number | undefined, limit: number): Promise<SlotPage> {
    const slots = this.#slotsOf(topic, ({ offset }) => before === undefined || offset < before).reverse()
    return { slots: slots.slice(0, limit), more: slots.length > limit }
  }
  async extendSlot(topic: string, offset: number, expires: number) {
    const slot = this.#slotAt(topic, offset)
    if (slot === undefined) return 'absent'
    this.#slots.set({ topic, ...slot, expires }, topic, offset)
    return 'extended'
  }
  async eraseSlot(topic: string, offset: number, erased: number) {
    const { data, ...slot } = this.#slotAt(topic, offset) ?? { data: undefined }
    if (!('offset' in slot) || (data === undefined && slot.erased === undefined)) return 'absent'
    this.#slots.set({ topic, ...slot, erased }, topic, offset)
    return 'erased'
  }
  async putReceipt(topic: string, offset: number) {
    this.#receipts.add(nameOf(topic, offset))
  }
  async hasReceipts(events: Parameters<Store['hasReceipts']>[0]) {
    return events.map(({ topic, offset }) => this.#receipts.has(nameOf(topic, offset)))
  }

  // connections

  async putConnection(row: ConnectionRow) {
    const existing = this.#connections.get(row.connectionId) ?? this.#connections.set(row, row.connectionId)
    return existing.state === 'OPEN' && existing.session === row.session ? 'put' : 'exists'
  }
  async readConnection(connectionId: string) {
    return this.#connections.get(connectionId)
  }
  async readConnectionAndShards(connectionId: string, topic: string) {
    const connection = this.#connections.get(connectionId)
    return { ...(connection && { connection }), shards: this.#shards.get(topic) ?? 1 }
  }
  async closeConnection(connectionId: string, expires: number, kicked?: Kicked) {
    const empty = { connectionId, session: '', principal: null, extensions: false }
    const before = this.#connections.get(connectionId)
    this.#connections.set({ ...(before ?? empty), state: 'CLOSED', expires, ...(kicked && { kicked }) }, connectionId)
    return before
  }
  async putConnectionParams(connectionId: string, settled: Parameters<Store['putConnectionParams']>[1]) {
    const row = this.#connections.get(connectionId)
    if (row?.state !== 'OPEN') return 'absent'
    const hasPrincipal = 'principal' in settled && row.principal !== null
    const isOwn = Object.entries(settled).every(([name, value]) => row[name as keyof typeof row] === value)
    if (hasPrincipal || row.connectionParams !== undefined || row.refused !== undefined)
      return isOwn ? 'stored' : 'exists'
    this.#connections.set({ ...row, ...settled }, connectionId)
    return 'stored'
  }
  async renewConnection(connectionId: string, renewal: Parameters<Store['renewConnection']>[1]) {
    const { follows, claimsPending, ...authority } = renewal
    const row = this.#connections.get(connectionId)
    if (row?.state !== 'OPEN') return 'absent'
    const isOwn = Object.entries(authority).every(([name, value]) => row[name as keyof typeof authority] === value)
    if (row.renewedAt !== follows) return isOwn ? 'renewed' : 'changed'
    const { claimsPending: _, ...rest } = row
    this.#connections.set({ ...rest, ...authority, ...(claimsPending && { claimsPending }) }, connectionId)
    return 'renewed'
  }
  async settleClaims(connectionId: string, renewedAt: number) {
    const row = this.#connections.get(connectionId)
    if (row?.renewedAt !== renewedAt) return
    const { claimsPending: _, ...settled } = row
    this.#connections.set(settled, connectionId)
  }
  async addToCount(connectionId: string, { name, add, max, mark }: CountChange) {
    const count = this.#counts.get(connectionId, name) ?? 0
    if (this.#marks.get(connectionId) === mark) return { status: 'added', count } as const
    if (add > 0 && count + add > max) return { status: 'full', count } as const
    this.#marks.set(mark, connectionId)
    return { status: 'added', count: this.#counts.set(count + add, connectionId, name) } as const
  }

  // subscriptions

  async claimSubscription(claim: Parameters<Store['claimSubscription']>[0]) {
    const { connectionId, id, ref, topic } = claim
    const row = this.#subscriptions.get(connectionId, id)
    const shard = row?.shard ?? claim.shard
    if (row === undefined || (row.ref < ref && (row.topic ?? topic) === topic)) {
      const { seat: _, claims: __, polled: ___, ...kept } = row ?? {}
      this.#subscriptions.set({ ...kept, ...claim, on: true, shard }, connectionId, id)
      return { status: 'claimed', shard, repeated: false, wasLive: isLive(row) } as const
    }
    if (row.on && row.ref === ref && row.topic === topic)
      return { status: 'claimed', shard, repeated: true, wasLive: true } as const
    return { status: 'refused', row } as const
  }
  async stopSubscription(stop: Parameters<Store['stopSubscription']>[0]) {
    const { connectionId, id, ref, expires } = stop
    const row = this.#subscriptions.get(connectionId, id)
    if (row === undefined && stop.ifExists === true) return { status: 'absent' } as const
    if (row !== undefined && row.ref > ref) return { status: 'newer', row } as const
    const { polled: _, ...kept } = row ?? {}
    const stopped = { ...kept, connectionId, id, ref, on: false, expires }
    const wasLive = isLive(row)
    return { status: 'stopped', row: this.#subscriptions.set(stopped, connectionId, id), wasLive } as const
  }
  async readSubscription(connectionId: string, id: string) {
    return this.#subscriptions.get(connectionId, id)
  }
  async readSubscriptions(connectionId: string) {
    return this.#subscriptions.where((row) => row.connectionId === connectionId)
  }
  async claimRun(claim: Parameters<Store['claimRun']>[0]) {
    const { connectionId, id, ref, run } = claim
    const existing = this.#subscriptions.get(connectionId, id)
    const isFree = existing === undefined || (existing.ref < ref && existing.topic === undefined)
    const row = isFree ? this.#subscriptions.set({ ...claim, on: true }, connectionId, id) : existing
    return { status: holds(row, ref, run) ? 'claimed' : 'refused', row } as const
  }
  async passRun({ connectionId, id, ref, from, run, lease }: Parameters<Store['passRun']>[0]) {
    const existing = this.#subscriptions.get(connectionId, id)
    if (existing === undefined) return { status: 'refused', row: undefined } as const
    const passes = holds(existing, ref, from)
    const row = passes ? this.#subscriptions.set({ ...existing, run, lease }, connectionId, id) : existing
    return { status: holds(row, ref, run) ? 'passed' : 'refused', row } as const
  }
  async readSyncStates(asked: Parameters<Store['readSyncStates']>[0]) {
    return asked.map(({ offset, needs = 'all', ...name }) => {
      const subscriber = needs === 'all' ? this.#subscribers.get(...keyOf(name)) : undefined
      const at = needs === 'after' ? undefined : this.#slotAt(name.topic, offset)
      const after = this.#slotAt(name.topic, offset + 1)
      return { ...(subscriber && { subscriber }), ...(at && { at }), ...(after && { after }) }
    })
  }

  // subscribers

  #attempt(name: SubscriberRef): Subscriber | undefined {
    const row = this.#subscribers.get(...keyOf(name))
    return row?.ref === name.ref ? row : undefined
  }
  async putSubscriber(row: Subscriber) {
    const existing = this.#subscribers.get(...keyOf(row))
    if (existing === undefined || existing.ref < row.ref) this.#subscribers.set(row, ...keyOf(row))
    else if (existing.ref > row.ref || !existing.on) return 'newer'
    else if (row.lock !== undefined && row.lock.by !== existing.lock?.by) return 'newer'
    return 'put'
  }
  async readSubscriber({ topic, shard, connectionId, id }: Parameters<Store['readSubscriber']>[0]) {
    return this.#subscribers.get(topic, shard, connectionId, id)
  }
  async readSubscribersOf({ topic, shard, connectionId }: Parameters<Store['readSubscribersOf']>[0]) {
    const isOf = (row: Subscriber) => row.topic === topic && row.shard === shard && row.connectionId === connectionId
    return this.#subscribers.where((row) => row.on && isOf(row))
  }
  async stopSubscriber({ ref, expires, ...name }: Parameters<Store['stopSubscriber']>[0]) {
    const [topic, shard, connectionId, id] = keyOf(name)
    const empty = { topic, shard, connectionId, id, path: '', extensions: false }
    const existing = this.#subscribers.get(topic, shard, connectionId, id)
    if (existing !== undefined && existing.ref > ref) return 'newer'
    const { input: _, piped: __, ...row } = existing ?? { ...empty, input: undefined, piped: undefined }
    this.#subscribers.set({ ...row, ref, on: false, expires }, topic, shard, connectionId, id)
    return 'stopped'
  }
  async deleteSubscriber(name: SubscriberRef) {
    const row = this.#subscribers.get(...keyOf(name))
    if (row !== undefined && row.ref <= name.ref) this.#subscribers.delete(...keyOf(name))
  }
  async setSubscriberAuthExp({ authExp, ...name }: Parameters<Store['setSubscriberAuthExp']>[0]) {
    const row = this.#attempt(name)
    if (row?.authExp !== undefined && row.authExp < authExp) this.#subscribers.set({ ...row, authExp }, ...keyOf(name))
  }
  async setSubscriberClaims({ claims, renewedAt, ...name }: Parameters<Store['setSubscriberClaims']>[0]) {
    const row = this.#attempt(name)
    if (row?.piped === undefined || (row.piped.renewedAt ?? -1) >= renewedAt) return
    this.#subscribers.set({ ...row, piped: { ...row.piped, claims, renewedAt } }, ...keyOf(name))
  }
  async acquireDeliveryLock(name: SubscriberRef, lock: Parameters<Store['acquireDeliveryLock']>[1]) {
    const row = this.#attempt(name)
    if (!row?.on) return { status: 'off' } as const
    const locked = this.#subscribers.set({ ...row, lock: row.lock ?? lock }, ...keyOf(name))
    return { status: locked.lock.by === lock.by ? 'locked' : 'held', row: locked } as const
  }
  async requestOffset(name: SubscriberRef, offset: number) {
    const row = this.#attempt(name)
    if (!row?.on) return 'off'
    if (row.lock === undefined) return 'free'
    this.#subscribers.set({ ...row, want: Math.max(row.want ?? 0, offset) }, ...keyOf(name))
    return 'requested'
  }
  async releaseDeliveryLock(name: SubscriberRef, { by, at, unless }: Parameters<Store['releaseDeliveryLock']>[1]) {
    const existing = this.#attempt(name)
    if (existing === undefined) return 'lost'
    const { lock, want = 0, ...row } = existing
    if (lock?.by !== by) return lock === undefined && row.at === at ? 'freed' : 'lost'
    if (unless !== undefined && want > unless) return 'requested'
    this.#subscribers.set(at === undefined ? row : { ...row, at }, ...keyOf(name))
    return 'freed'
  }
  async readSubscribers(topic: string, shard: number, options: Parameters<Store['readSubscribers']>[2] = {}) {
    const rows = this.#subscribers.where((row) => row.topic === topic && row.shard === shard)
    const bounds = { limit: 1_000, ...options }
    const { page, ...next } = pageOf(rows, ({ connectionId, id }) => `${connectionId}#${id}`, bounds)
    const isFirst = shard === 0 && options.from === undefined
    return {
      subscribers: page.filter(({ on }) => on),
      ...next,
      ...(isFirst && { shards: this.#shards.get(topic) ?? 1 }),
    }
  }
  async growShards(topic: string, from: number, to: number) {
    if (to > from && (this.#shards.get(topic) ?? 1) === from) this.#shards.set(to, topic)
  }

  // idempotency keys

  #existing(operation: 'takeKey' | 'settleKey', key: string): KeyRow {
    const row = this.#keys.get(key)
    if (row === undefined) throw new StoreError(operation, false, { cause: new Error(`No row of ${key} exists.`) })
    return row
  }
  async claimKey(claim: Parameters<Store['claimKey']>[0]) {
    const existing = this.#keys.get(claim.key)
    const row = existing ?? this.#keys.set({ ...claim, state: 'RUNNING', bases: {} } as const, claim.key)
    return { status: runs(row, claim.owner) ? 'claimed' : 'conflict', row } as const
  }
  async takeKey({ key, owner, lease, from }: Parameters<Store['takeKey']>[0]) {
    const existing = this.#existing('takeKey', key)
    const takes = runs(existing, from.owner) && existing.lease === from.lease
    const row = takes ? this.#keys.set({ ...existing, owner, lease }, key) : existing
    return { status: runs(row, owner) ? 'taken' : 'conflict', row } as const
  }
  async settleKey({ key, owner, ...settled }: Parameters<Store['settleKey']>[0]) {
    const existing = this.#existing('settleKey', key)
    const row = runs(existing, owner) ? this.#keys.set({ ...existing, ...settled }, key) : existing
    const outcome = settled.state === 'DONE' ? settled.outcome : undefined
    const isOwn = row.owner === owner && row.state === settled.state && row.outcome === outcome
    return { status: isOwn ? 'settled' : 'conflict', row } as const
  }
  async releaseKey({ key, owner }: Parameters<Store['releaseKey']>[0]) {
    const row = this.#keys.get(key)
    if (row !== undefined && runs(row, owner)) this.#keys.delete(key)
  }
  async recordBase({ key, owner, publishId, base, expires }: Parameters<Store['recordBase']>[0]) {
    const empty: KeyRow = { key, state: 'PUBLISH', owner: '', lease: 0, fingerprint: '', bases: {}, expires }
    const row = this.#keys.get(key) ?? empty
    if (owner !== undefined && !runs(row, owner)) return { status: 'lost' } as const
    const recorded = row.bases[publishId] ?? base
    this.#keys.set({ ...row, bases: { ...row.bases, [publishId]: recorded } }, key)
    return { status: 'recorded', base: recorded } as const
  }
  async readKey(key: string) {
    return this.#keys.get(key)
  }

  // presence

  async putPresence(row: PresenceRow, over: string | undefined) {
    const existing = this.#members.get(row.topic, row.member)
    if (existing?.mark === over) this.#members.set(row, row.topic, row.member)
    else if (existing?.mark !== row.mark) return { status: 'conflict', row: existing } as const
    return { status: 'put' } as const
  }
  async deletePresence({ topic, member, mark }: Parameters<Store['deletePresence']>[0]) {
    const row = this.#members.get(topic, member)
    if (row !== undefined && row.mark !== mark) return { status: 'conflict', row } as const
    this.#members.delete(topic, member)
    return { status: 'deleted' } as const
  }
  async readPresence(topic: string, member: string) {
    return this.#members.get(topic, member)
  }
  async readPresences(topic: string, options: Parameters<Store['readPresences']>[1] = {}) {
    const rows = this.#members.where((row) => row.topic === topic)
    const { page, ...next } = pageOf(rows, ({ member }) => member, options)
    return { rows: page, ...next }
  }
  async putPresenceSession(row: PresenceSessionRow) {
    const existing = this.#sessions.get(row.topic, row.entry)
    if (existing === undefined || existing.ref <= row.ref) this.#sessions.set(row, row.topic, row.entry)
  }
  async deletePresenceSession({ topic, entry, member, ref }: Parameters<Store['deletePresenceSession']>[0]) {
    const row = this.#sessions.get(topic, entry)
    if (row?.member === member && row.ref <= ref) this.#sessions.delete(topic, entry)
  }
  async readPresenceSessions(topic: string, prefix: string, limit: number) {
    const rows = this.#sessions.where((row) => row.topic === topic && row.entry.startsWith(prefix))
    return pageOf(rows, ({ entry }) => entry, { limit }).page
  }

  // leases

  async readShardLease(topic: string, shard: number) {
    return this.#leases.get(topic, shard)
  }
  async putShardLease(row: ShardLeaseRow, over: string | undefined) {
    const existing = this.#leases.get(row.topic, row.shard)
    if (existing?.version === over) this.#leases.set(row, row.topic, row.shard)
    else if (existing?.version !== row.version) return { status: 'conflict', row: existing } as const
    return { status: 'put' } as const
  }
  async readSweep(topic: string) {
    return this.#sweeps.get(topic) ?? 0
  }
  async moveSweep(topic: string, { from, to }: Parameters<Store['moveSweep']>[1]) {
    if ((this.#sweeps.get(topic) ?? 0) !== from) return 'conflict'
    this.#sweeps.set(to, topic)
    return 'moved'
  }

  async takeRunPlace({ owner, run, lease, max, over }: Parameters<Store['takeRunPlace']>[0]) {
    const existing = this.#places.get(owner) ?? []
    const isCurrent = over.every((dead) =>
      existing.some((place) => place.run === dead.run && place.lease === dead.lease),
    )
    const staying = existing.filter((place) => !over.some((dead) => dead.run === place.run))
    if (!isCurrent || staying.length >= max || staying.some((place) => place.run === run))
      return { status: 'refused', places: existing } as const
    this.#places.set(sortedByRun([...staying, { run, lease }]), owner)
    return { status: 'taken' } as const
  }
  async renewRunPlace({ owner, run, lease }: Parameters<Store['renewRunPlace']>[0]) {
    const existing = this.#places.get(owner) ?? []
    if (!existing.some((place) => place.run === run)) return 'absent'
    const others = existing.filter((place) => place.run !== run)
    this.#places.set(sortedByRun([...others, { run, lease }]), owner)
    return 'renewed'
  }
  async releaseRunPlace({ owner, run }: Parameters<Store['releaseRunPlace']>[0]) {
    const existing = this.#places.get(owner) ?? []
    this.#places.set(
      existing.filter((place) => place.run !== run),
      owner,
    )
  }

  // rates

  async addToRate({ owner, what, window, amount }: RateAddition) {
    return this.#rates.set((this.#rates.get(owner, what, window) ?? 0) + amount, owner, what, window)
  }

  // principals

  async putPrincipalConnection(row: PrincipalConnection) {
    this.#leading.set(row, row.principal, row.connectionId)
  }
  async deletePrincipalConnection({ principal, connectionId }: Parameters<Store['deletePrincipalConnection']>[0]) {
    this.#leading.delete(principal, connectionId)
  }
  async readPrincipalConnections(principal: string) {
    return this.#leading.where((row) => row.principal === principal)
  }
  async putRestriction(row: Restriction) {
    const name = [row.principal, row.kind, row.session ?? ''] as const
    const isLower = row.kind !== 'ban' && (this.#restrictions.get(...name)?.at ?? row.at) > row.at
    if (!isLower) this.#restrictions.set(row, ...name)
  }
  async readRestrictions(principal: string) {
    return this.#restrictions.where((row) => row.principal === principal)
  }

  // large messages

  async putPart({ connectionId, message, part, text }: Parameters<Store['putPart']>[0]) {
    const existing = this.#texts.get(connectionId, message, part)
    return (existing ?? this.#texts.set(text, connectionId, message, part)) === text ? 'put' : 'differs'
  }
  async openUpload({ connectionId, message, until, max, over }: Parameters<Store['openUpload']>[0]) {
    const open = this.#open.get(connectionId) ?? []
    const isCurrent = over.every((old) => open.some((each) => each.message === old.message && each.until === old.until))
    const staying = open.filter((each) => !over.some((old) => old.message === each.message))
    if (!isCurrent || staying.length >= max || staying.some((each) => each.message === message))
      return { status: 'refused', open } as const
    const sorted = [...staying, { message, until }].sort((a, b) => (a.message < b.message ? -1 : 1))
    this.#open.set(sorted, connectionId)
    return { status: 'opened' } as const
  }
  async closeUpload({ connectionId, message }: Parameters<Store['closeUpload']>[0]) {
    const open = this.#open.get(connectionId) ?? []
    this.#open.set(
      open.filter((each) => each.message !== message),
      connectionId,
    )
  }
  async notePart({ part, ...declared }: Parameters<Store['notePart']>[0]) {
    const { connectionId, message } = declared
    const existing = this.#uploads.get(connectionId, message)
    const { parts, ...upload } = existing ?? { ...declared, noted: 0, parts: [] }
    if (upload.of !== declared.of || upload.bytes !== declared.bytes) return { status: 'refused', row: upload } as const
    const noted = [...new Set([...parts, part])]
    const row = { ...upload, noted: noted.length }
    this.#uploads.set({ ...row, parts: noted }, connectionId, message)
    return { status: 'noted', row } as const
  }
  async claimUpload({ connectionId, message, owner }: Parameters<Store['claimUpload']>[0]) {
    const row = this.#uploads.get(connectionId, message)
    if (row === undefined || (row.owner ?? owner) !== owner) return 'taken'
    this.#uploads.set({ ...row, owner }, connectionId, message)
    return 'claimed'
  }
  async readParts(connectionId: string, message: string, of: number) {
    return Array.from({ length: of }, (_, part) => this.#texts.get(connectionId, message, part))
  }

  // streams

  #streamOf(topic: string) {
    const rows = this.#streams.get(topic) ?? new Table<string | number>()
    this.#streams.set(topic, rows)
    return rows
  }
  async putStreamInput({ topic, digest, input }: Parameters<Store['putStreamInput']>[0]) {
    this.#streamOf(topic).set(input, 'input', digest)
  }
  async readStreamInput(topic: string, digest: string) {
    return this.#streamOf(topic).get('input', digest) as string | undefined
  }
  async putStreamSign({ topic, claim, alive }: Parameters<Store['putStreamSign']>[0]) {
    this.#streamOf(topic).set(alive, 'sign', claim)
  }
  async readStreamSign(topic: string, claim: string) {
    return Number(this.#streamOf(topic).get('sign', claim) ?? 0)
  }
  async takeStreamPoke({ topic, at, before }: Parameters<Store['takeStreamPoke']>[0]) {
    if (Number(this.#streamOf(topic).get('poke') ?? 0) > before) return 'recent'
    this.#streamOf(topic).set(at, 'poke')
    return 'taken'
  }
  async deleteStreamRows(topic: string) {
    this.#streams.delete(topic)
  }
}
