import { initTRPC } from '@trpc/server'
import { createLine } from '@trunkline/server'
import * as z from 'zod'

/** The line that the writers publish to. */
export const line = createLine()
const key = z.object({ topic: z.string() })
const schemas = { key, event: z.object({ text: z.string() }), retention: '24h' } as const
const one = line.channel('hot', schemas)
const parted = new Map<number, ReturnType<typeof declare>>()
const declare = (partitions: number) => line.channel(`hot.${partitions}`, { ...schemas, partitions })

/** The channel whose topics have this many partitions, each chosen at random. 1: a channel without partitions. */
export function channelOf(partitions: number) {
  if (partitions === 1) return one
  const channel = parted.get(partitions) ?? declare(partitions)
  parted.set(partitions, channel)
  return channel
}
export const router = initTRPC.create().router({})
