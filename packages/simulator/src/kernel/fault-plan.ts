import { type FaultId, faultIds, faults } from './faults.ts'
import { createRandom, mix, type Random } from './random.ts'

/**
 * Decides which faults strike in a schedule. Each opportunity is decided only by seed, fault and count, so a schedule
 * can be repeated without some of its strikes.
 */
export interface FaultPlan {
  /** The strike's own random source if the fault strikes now, else undefined. */
  strikes(fault: FaultId): Random | undefined
  /** Stops all faults from now on. */
  stop(): void
  readonly isStopped: boolean
  /** The strikes, such as `F19.4`: the fault and the number of its opportunity. */
  readonly struck: readonly string[]
}

export interface FaultPlanOptions {
  readonly seed: number
  /** The faults that may be enabled. */
  readonly allowed: ReadonlySet<FaultId>
  /** The faults that strike at every opportunity. */
  readonly certain?: ReadonlySet<FaultId>
  /** Only these strikes happen. */
  readonly only?: ReadonlySet<string> | undefined
}

/** A fault in a schedule. */
interface FaultState {
  /** The share of opportunities at which it strikes. */
  readonly rate: number
  /** The seed of its opportunities. */
  readonly mixed: number
  /** The number of its opportunities so far. */
  count: number
}

/** Swarm testing: each seed enables a random subset of faults with random rates. */
export function createFaultPlan({ seed, allowed, certain, only }: FaultPlanOptions): FaultPlan {
  const swarm = createRandom(seed, 'swarm')
  const share = swarm.pick([0.1, 0.3, 0.5])
  const rates = new Map(
    faultIds.map((id) => {
      const [on, strength] = [swarm.chance(share), swarm.next() ** 2]
      if (certain?.has(id)) return [id, 1] as const
      return [id, on && allowed.has(id) ? faults[id].most * Math.max(0.05, strength) : 0] as const
    }),
  )
  const states = new Map(
    faultIds.map((id) => [id, { rate: rates.get(id) ?? 0, mixed: mix(seed, 977 + Number(id.slice(1))), count: 0 }]),
  )
  const struck: string[] = []
  let isStopped = false
  return {
    strikes(fault) {
      if (isStopped) return undefined
      const state = states.get(fault) as FaultState // every fault has one
      const { rate, mixed } = state
      if (rate === 0 && only === undefined) return undefined
      const count = state.count++
      const drawn = mix(mixed, count)
      const hit = only === undefined ? drawn / 2 ** 32 < rate : only.has(`${fault}.${count}`)
      if (!hit) return undefined
      struck.push(`${fault}.${count}`)
      return createRandom(drawn, 'strike')
    },
    stop() {
      isStopped = true
    },
    get isStopped() {
      return isStopped
    },
    struck,
  }
}
