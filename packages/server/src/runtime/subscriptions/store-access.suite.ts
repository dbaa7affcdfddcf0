import type { Store } from '../../ports/store.ts'

/** The rows that a port call touches. The order of two calls without a common row, or of two reads, has no effect. */
export interface Access {
  readonly rows: readonly string[]
  readonly writes: boolean
}

type Row = {
  readonly connectionId: string
  readonly topic: string
  readonly key: string
  readonly message: string
  readonly part: number
}

const log = (topic: unknown) => [`LOG#${topic}`]
const connection = (id: unknown) => [`CONN#${id}`]
const subscriptions = (id: unknown) => [`CONN#${id}/SUB`]
const subscribers = (topic: unknown) => [`SUBS#${topic}`]
const counts = (id: unknown) => [`CONN#${id}/COUNTS`]
const keys = (key: unknown) => [`IDEM#${key}`]
const upload = ({ connectionId, message }: Row) => [`UPLOAD#${connectionId}/${message}`]
const part = (connectionId: unknown, message: unknown, place: unknown) => `PART#${connectionId}/${message}/${place}`
// a member's row is read by itself, and by a read of all members
const member = (topic: unknown, name: unknown) => [`PRES#${topic}`, `PRES#${topic}/${name}`]
const runs = (place: unknown) => [`RUNS#${(place as { readonly owner: string }).owner}`]
const who = (row: unknown) => [`WHO#${(row as { readonly principal: string }).principal}`]
const restrictions = (principal: unknown) => [`WHO#${principal}/#`]
const stream = (topic: unknown) => [`STREAM#${topic}`]
const receipt = (topic: unknown, offset: unknown) => `SENT#${topic}/${offset}`

type Args = readonly unknown[]
const read =
  (rows: (args: Args) => readonly string[]) =>
  (args: Args): Access => ({ rows: rows(args), writes: false })
const write =
  (rows: (args: Args) => readonly string[]) =>
  (args: Args): Access => ({ rows: rows(args), writes: true })
const rowOf = (args: Args) => args[0] as Row

const accesses: { readonly [Operation in keyof Store]?: (args: Args) => Access } = {
  putSlot: write(([topic]) => log(topic)),
  readSlots: read(([topic]) => log(topic)),
  readSlotsBefore: read(([topic]) => log(topic)),
  extendSlot: write(([topic]) => log(topic)),
  eraseSlot: write(([topic]) => log(topic)),
  putConnection: write((args) => connection(rowOf(args).connectionId)),
  readConnection: read(([id]) => connection(id)),
  readConnectionAndShards: read(([id, topic]) => [...connection(id), ...subscribers(topic)]),
  closeConnection: write(([id]) => connection(id)),
  putConnectionParams: write(([id]) => connection(id)),
  claimSubscription: write((args) => subscriptions(rowOf(args).connectionId)),
  stopSubscription: write((args) => subscriptions(rowOf(args).connectionId)),
  claimRun: write((args) => subscriptions(rowOf(args).connectionId)),
  passRun: write((args) => subscriptions(rowOf(args).connectionId)),
  readSubscription: read(([id]) => subscriptions(id)),
  readSubscriptions: read(([id]) => subscriptions(id)),
  putSubscriber: write((args) => subscribers(rowOf(args).topic)),
  readSubscriber: read((args) => subscribers(rowOf(args).topic)),
  readSubscribersOf: read((args) => subscribers(rowOf(args).topic)),
  stopSubscriber: write((args) => subscribers(rowOf(args).topic)),
  deleteSubscriber: write((args) => subscribers(rowOf(args).topic)),
  setSubscriberAuthExp: write((args) => subscribers(rowOf(args).topic)),
  setSubscriberClaims: write((args) => subscribers(rowOf(args).topic)),
  acquireDeliveryLock: write((args) => subscribers(rowOf(args).topic)),
  requestOffset: write((args) => subscribers(rowOf(args).topic)),
  releaseDeliveryLock: write((args) => subscribers(rowOf(args).topic)),
  readSubscribers: read(([topic]) => subscribers(topic)),
  growShards: write(([topic]) => subscribers(topic)),
  readSyncStates: read(([asked]) =>
    (asked as readonly Row[]).flatMap(({ topic }) => [...subscribers(topic), ...log(topic)]),
  ),
  renewConnection: write(([id]) => connection(id)),
  settleClaims: write(([id]) => connection(id)),
  addToCount: write(([id]) => counts(id)),
  claimKey: write((args) => keys(rowOf(args).key)),
  takeKey: write((args) => keys(rowOf(args).key)),
  settleKey: write((args) => keys(rowOf(args).key)),
  releaseKey: write((args) => keys(rowOf(args).key)),
  recordBase: write((args) => keys(rowOf(args).key)),
  readKey: read(([key]) => keys(key)),
  openUpload: write((args) => [`OPEN#${rowOf(args).connectionId}`]),
  closeUpload: write((args) => [`OPEN#${rowOf(args).connectionId}`]),
  putPart: write((args) => [part(rowOf(args).connectionId, rowOf(args).message, rowOf(args).part)]),
  notePart: write((args) => upload(rowOf(args))),
  claimUpload: write((args) => upload(rowOf(args))),
  readParts: read(([connectionId, message, of]) =>
    Array.from({ length: of as number }, (_, place) => part(connectionId, message, place)),
  ),
  putPresence: write((args) => member(rowOf(args).topic, (args[0] as { readonly member: string }).member)),
  deletePresence: write((args) => member(rowOf(args).topic, (args[0] as { readonly member: string }).member)),
  readPresence: read(([topic, name]) => [`PRES#${topic}/${name}`]),
  readPresences: read(([topic]) => [`PRES#${topic}`]),
  putPresenceSession: write((args) => [`SESSIONS#${rowOf(args).topic}`]),
  deletePresenceSession: write((args) => [`SESSIONS#${rowOf(args).topic}`]),
  readPresenceSessions: read(([topic]) => [`SESSIONS#${topic}`]),
  readSweep: read(([topic]) => [`SWEEP#${topic}`]),
  moveSweep: write(([topic]) => [`SWEEP#${topic}`]),
  readShardLease: read(([topic, shard]) => [`TURN#${topic}#${shard}`]),
  putShardLease: write((args) => [`TURN#${rowOf(args).topic}#${(args[0] as { readonly shard: number }).shard}`]),
  takeRunPlace: write((args) => runs(args[0])),
  renewRunPlace: write((args) => runs(args[0])),
  releaseRunPlace: write((args) => runs(args[0])),
  addToRate: write((args) => [`RATE#${(args[0] as { readonly owner: string }).owner}`]),
  putPrincipalConnection: write((args) => who(args[0])),
  deletePrincipalConnection: write((args) => who(args[0])),
  readPrincipalConnections: read(([principal]) => [`WHO#${principal}`]),
  putRestriction: write((args) => restrictions((args[0] as { readonly principal: string }).principal)),
  readRestrictions: read(([principal]) => restrictions(principal)),
  putStreamInput: write((args) => stream(rowOf(args).topic)),
  readStreamInput: read(([topic]) => stream(topic)),
  putStreamSign: write((args) => stream(rowOf(args).topic)),
  readStreamSign: read(([topic]) => stream(topic)),
  takeStreamPoke: write((args) => stream(rowOf(args).topic)),
  deleteStreamRows: write(([topic]) => stream(topic)),
  putReceipt: write(([topic, offset]) => [receipt(topic, offset)]),
  hasReceipts: read(([events]) =>
    (events as readonly { topic: string; offset: number }[]).map(({ topic, offset }) => receipt(topic, offset)),
  ),
}

/** For a call that the table does not list: it counts as touching every row, which can only add schedules. */
export const anything: Access = { rows: ['*'], writes: true }

/** The rows that a call of the store touches. */
export function accessOf(operation: keyof Store, args: Args): Access {
  return accesses[operation]?.(args) ?? anything
}

/** Whether two calls cannot notice each other's order. */
export function areApart(one: Access, other: Access): boolean {
  if (one === anything || other === anything) return false
  return (!one.writes && !other.writes) || !one.rows.some((row) => other.rows.includes(row))
}
