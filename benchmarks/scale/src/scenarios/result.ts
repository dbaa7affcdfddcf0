import { type LineUse, lineUsd } from '../../../../packages/local/src/cost/line.ts'
import { assumptions } from '../../../../packages/local/src/cost/workload.ts'
import type { Quotas, WallName } from '../engine/walls.ts'

/** What a scenario came to under some quotas. */
export interface Result {
  /** What was asked, and what of it differs from the other results of its scenario. */
  readonly setting: string
  /** Seconds until all have it. */
  readonly seconds: number
  /** The walls that were met, first one first. */
  readonly walls: readonly WallName[]
  readonly usd: number
  /** What the dollars are for. @default the whole scenario */
  readonly usdFor?: string
  /** Other figures. */
  readonly figures: Readonly<Record<string, string>>
}

/** A scenario: a name, and its results. */
export interface Scenario {
  readonly name: string
  readonly title: string
  readonly run: (size: Size) => readonly Result[]
}

/** A share of the full size, for a test that has no time for more. @default 1 */
export interface Size {
  readonly share: number
  readonly quotas: Quotas
}

/** The dollars of what a scenario used. */
export function usdOfUse(use: Partial<LineUse> & { readonly functionMs?: number; readonly posts?: number }): number {
  const { functionMs = 0, posts = 0, ...items } = use
  const gbSeconds = ((functionMs + posts * assumptions.postMs) / 1_000) * assumptions.functionGb
  const none = { messages: 0, connectionMinutes: 0, httpRequests: 0, requests: 0, readUnits: 0, writeUnits: 0 }
  return lineUsd({ ...none, queueRequests: 0, gbSeconds, ...items })
}

export const count = (value: number) => Math.round(value).toLocaleString('en-US')
export const seconds = (ms: number) => `${(ms / 1_000).toFixed(ms < 10_000 ? 1 : 0)} s`
const unitBytes = 4_096
/** Read units of a strongly consistent query of so many bytes. */
export const readUnits = (bytes: number) => Math.ceil(bytes / unitBytes)
