import { authWorkload, keyedWorkload, largeWorkload } from './call-workloads.ts'
import { generatorsWorkload, hourWorkload } from './generator-workloads.ts'
import {
  chatWorkload,
  handoverWorkload,
  leaveWorkload,
  quietWorkload,
  raceWorkload,
  snapshotWorkload,
} from './log-workloads.ts'
import { presenceWorkload } from './presence-workloads.ts'
import { stockGeneratorsWorkload, stockWorkload } from './stock-workloads.ts'
import { oldTableWorkload, rewoundWorkload } from './table-workloads.ts'
import type { Workload } from './workload.ts'

/** The workloads by name. Their order is that of the rotation. */
export const workloads = {
  chat: chatWorkload,
  race: raceWorkload,
  leave: leaveWorkload,
  quiet: quietWorkload,
  keyed: keyedWorkload,
  large: largeWorkload,
  auth: authWorkload,
  stock: stockWorkload,
  handover: handoverWorkload,
  snapshot: snapshotWorkload,
  presence: presenceWorkload,
  generators: generatorsWorkload,
  'stock-generators': stockGeneratorsWorkload,
  'old-table': oldTableWorkload,
  rewound: rewoundWorkload,
  hour: hourWorkload,
} satisfies Record<string, Workload>

export type WorkloadName = keyof typeof workloads
export const workloadNames = Object.keys(workloads) as readonly WorkloadName[]
const isLong = (name: WorkloadName) => (workloads[name] as Workload).isLong === true
/** The workloads of the rotation. */
export const rotation = workloadNames.filter((name) => !isLong(name))
