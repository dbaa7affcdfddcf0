import { topicOf } from '../records/application.ts'
import { createWorld } from '../world/create-world.ts'
import type { World } from '../world/world.ts'

/** A world whose room `a` contains these events, at offsets from 1. */
export function worldOf(...events: readonly number[]) {
  const world = createWorld({ seed: 1, allowed: [] })
  for (const [index, n] of events.entries())
    world.table.operations.putSlot(topicOf('a'), {
      ...{ offset: index + 1, epoch: 'e', publishId: `p${n}`, time: world.kernel.now, data: `{"n":${n}}` },
      expires: world.kernel.now / 1_000 + 200_000,
    })
  return world
}
/** The rules that a world’s history breaks, in order. */
export const rulesOf = (world: World) => world.report.violations.map(({ rule }) => rule)
