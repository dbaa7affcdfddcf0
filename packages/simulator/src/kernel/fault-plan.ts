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
  const counts = new Map<FaultId, number>()
  const struck: string[] = []
  let isStopped = false
  return {
    strikes(fault) {
      if (isStopped) return undefined
      const count = counts.get(fault) ?? 0
      counts.set(fault, count + 1)
      const name = `${fault}.${count}`
      const drawn = mix(mix(seed, 977 + Number(fault.slice(1))), count)
      const hit = only === undefined ? drawn / 2 ** 32 < (rates.get(fault) ?? 0) : only.has(name)
      if (!hit) return undefined
      struck.push(name)
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
