import { presenceTimes } from '../../records/application.ts'
import { interrupt, joinOrWatch, repeat } from './actions.ts'
import { authWorkload, keyedWorkload, largeWorkload, ratesWorkload } from './call-workloads.ts'
import { generatorsWorkload, hourWorkload } from './generator-workloads.ts'
import { httpRewoundWorkload, httpWorkload, movingWorkload } from './http-workloads.ts'
import { kickedWorkload } from './kicked-workload.ts'
import {
  chatWorkload,
  handoverWorkload,
  leaveWorkload,
  quietWorkload,
  raceWorkload,
  snapshotWorkload,
} from './log-workloads.ts'
import { partitionsWorkload } from './partitions-workload.ts'
import { rightsWorkload } from './rights-workload.ts'
import { signInWorkload } from './sign-in-workload.ts'
import { stockGeneratorsWorkload, stockWorkload } from './stock-workloads.ts'
import { stockStreamsWorkload, streamsWorkload } from './stream-workloads.ts'
import { oldTableWorkload, rewoundWorkload } from './table-workloads.ts'
import { keepaliveMs, minute, type Workload, without } from './workload.ts'

/**
 * Presence: sessions of a few members that join, watch, update their data, leave, sleep, lose their sockets and
 * close. When faults stop, stale sessions have a lease and a watcher's keepalive to disappear.
 */
const presenceWorkload = {
  faults: without(),
  activeMs: 5 * minute,
  settleMs: presenceTimes.leaseMs + keepaliveMs + 60_000,
  mayIdleForDays: true,
  hasPresence: true,
  begin(world) {
    const { random } = world
    const mostMs = 4 * minute
    for (let count = 3 + random.int(3); count > 0; count--) {
      const device = world.addDevice({ principal: `p${random.int(3)}` })
      for (let more = 1 + random.int(2); more > 0; more--) joinOrWatch(world, device, { path: 'joined', mostMs })
      if (random.chance(0.3)) joinOrWatch(world, device, { path: 'watched', mostMs })
      repeat(world, { times: random.int(4), within: [0, mostMs] }, () => device.cut())
      interrupt(world, device, { within: [0, mostMs], mostMs })
      if (random.chance(0.25)) world.after(random.between(1_000, mostMs), () => device.close())
    }
    for (let count = 2; count > 0; count--) {
      const watcher = world.addDevice()
      joinOrWatch(world, watcher, { path: 'watched', mostMs })
      interrupt(world, watcher, { within: [0, mostMs], mostMs })
    }
  },
} satisfies Workload

/** The workloads by name. Their order is that of the rotation. */
export const workloads = {
  chat: chatWorkload,
  race: raceWorkload,
  leave: leaveWorkload,
  quiet: quietWorkload,
  keyed: keyedWorkload,
  large: largeWorkload,
  auth: authWorkload,
  rights: rightsWorkload,
  'sign-in': signInWorkload,
  kicked: kickedWorkload,
  stock: stockWorkload,
  handover: handoverWorkload,
  snapshot: snapshotWorkload,
  presence: presenceWorkload,
  generators: generatorsWorkload,
  'stock-generators': stockGeneratorsWorkload,
  streams: streamsWorkload,
  'stock-streams': stockStreamsWorkload,
  'old-table': oldTableWorkload,
  rewound: rewoundWorkload,
  rates: ratesWorkload,
  http: httpWorkload,
  moving: movingWorkload,
  'http-rewound': httpRewoundWorkload,
  partitions: partitionsWorkload,
  hour: hourWorkload,
} satisfies Record<string, Workload>

export type WorkloadName = keyof typeof workloads
export const workloadNames = Object.keys(workloads) as readonly WorkloadName[]
const isLong = (name: WorkloadName) => (workloads[name] as Workload).isLong === true
/** The workloads of the rotation. */
export const rotation = workloadNames.filter((name) => !isLong(name))
/**
 * Whether the devices of a workload may use HTTP: not tRPC's own clients, not generators, and not where no sync leaves
 * a device.
 */
export const mayMove = ({ hasStock, hasGenerators, swallowed }: Workload) =>
  hasStock !== true && hasGenerators !== true && swallowed === undefined
