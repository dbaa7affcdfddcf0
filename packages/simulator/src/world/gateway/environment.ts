import type { FaultPlan } from '../../kernel/fault-plan.ts'
import type { Kernel } from '../../kernel/kernel.ts'
import type { Random } from '../../kernel/random.ts'
import type { Report } from '../../kernel/report.ts'
import type { Kicks } from '../../records/kicks.ts'
import type { PresenceExpectations } from '../../records/presence-expectations.ts'
import type { Rights } from '../../records/rights.ts'
import type { SubscriptionResponses } from '../../records/subscription-responses.ts'
import type { Functions } from '../functions/functions.ts'

/** The parts of the world that the parts of a gateway share. */
export interface GatewayEnvironment {
  readonly kernel: Kernel
  readonly plan: FaultPlan
  readonly random: Random
  readonly functions: () => Functions
  readonly report: Report
  readonly expectations: PresenceExpectations
  readonly responses: SubscriptionResponses
  readonly rights: Rights
  readonly kicks: Kicks
  /** The expiry of a token in virtual epoch milliseconds. */
  readonly expiryOf: (token: string) => number
  /** Frames of these methods are dropped before they leave a device. */
  readonly swallowed: ReadonlySet<string>
}

/** Draws the time from a device to the gateway, in milliseconds. F11 makes it long enough to be overtaken. */
export function upMs({ plan, random }: GatewayEnvironment): number {
  return plan.strikes('F11')?.between(20, 2_500) ?? random.between(4, 40)
}

/** Draws the time from the gateway to a device, in milliseconds. F7 makes it long. */
export function downMs({ plan, random }: GatewayEnvironment): number {
  return plan.strikes('F7')?.between(20, 4_000) ?? random.between(4, 40)
}
