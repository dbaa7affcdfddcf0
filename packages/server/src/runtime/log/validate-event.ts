import { TRPCError } from '@trpc/server'
import { limits } from '@trunkline/protocol'
import type { ChannelDefinition } from '../../define/definition.ts'
import { TrunklineError } from '../context/trunkline-error.ts'
import { fitting, notJson, topicNameOf } from './match-channel.ts'

/** The topic of a key, validated by the channel's schema. */
export async function topicOf(channel: ChannelDefinition, key: unknown): Promise<string> {
  return topicNameOf(channel, await fitting(channel, 'key', key))
}

/**
 * An event as JSON text. Throws BAD_REQUEST for a value that JSON would change, `TrunklineError` TOO_LARGE beyond
 * `eventBytes`.
 */
// [TL-LIM-5]
export function serialise(channel: ChannelDefinition, event: unknown): string {
  const data = stringify(channel, event)
  if (data === undefined)
    throw new TRPCError({
      code: 'BAD_REQUEST',
      message: `An event of ${channel.name} must be JSON, got ${typeof event}.`,
    })
  const bytes = Buffer.byteLength(data)
  if (bytes <= limits.eventBytes.value) return data
  throw new TrunklineError(
    'TOO_LARGE',
    `An event of ${channel.name} has ${bytes} bytes; at most ${limits.eventBytes.value} can be pushed to a client.`,
  )
}

function stringify(channel: ChannelDefinition, event: unknown): string | undefined {
  try {
    return JSON.stringify(event, refuseLossy(channel))
  } catch (thrown) {
    throw thrown instanceof TRPCError ? thrown : notJson(channel, 'event', thrown)
  }
}

/**
 * Throws for a value that JSON would silently change (a Date, a Map, NaN, a function), because subscribers would get
 * another value. Types report this at compile time, except for `any`.
 */
function refuseLossy(channel: ChannelDefinition) {
  return function (this: unknown, name: string, value: unknown): unknown {
    const given: unknown = Reflect.get(Object(this), name)
    const lossy =
      (typeof given === 'object' && given !== null && !isPlain(given)) ||
      typeof given === 'function' ||
      typeof given === 'symbol' ||
      typeof given === 'bigint' ||
      (typeof given === 'number' && !Number.isFinite(given))
    if (!lossy) return value
    const kind =
      typeof given === 'object' ? given?.constructor?.name : typeof given === 'number' ? String(given) : typeof given
    const place = name === '' ? 'itself' : `at ${JSON.stringify(name)}`
    throw new TRPCError({
      code: 'BAD_REQUEST',
      message: `An event of ${channel.name} must survive JSON.stringify, but ${place} is a ${kind}: use z.iso.datetime(), a number or a plain object.`,
    })
  }
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value)
  return Array.isArray(value) || prototype === null || Object.getPrototypeOf(prototype) === null
}
