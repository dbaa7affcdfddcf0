import { TRPCError } from '@trpc/server'
import type { ChannelDefinition, PresenceRules } from '../../define/definition.ts'
import { presenceLimits } from '../../define/presence.ts'
import { TrunklineError } from '../context/trunkline-error.ts'
import { memberDataOf } from '../log/stored-event.ts'
import { fitting, fittingNow, serialise } from '../log/validate-event.ts'

/**
 * Validates the member and data of a join; `data` becomes JSON text. Throws BAD_REQUEST with the issues, or TOO_LARGE
 * with the limit. The schema must be synchronous, since `join` returns synchronously.
 */
export function checkMember(
  channel: ChannelDefinition,
  me: { readonly member: string; readonly data: unknown },
): { readonly member: string; readonly data: string } {
  const { member, data } = Object(me) as Partial<typeof me>
  const bytes = typeof member === 'string' && !/\p{Cs}/u.test(member) ? Buffer.byteLength(member) : 0
  if (bytes < 1 || bytes > presenceLimits.memberBytes)
    throw new TRPCError({
      code: 'BAD_REQUEST',
      message: `Expected a member of ${channel.name} as a text of 1 to ${presenceLimits.memberBytes} bytes (memberBytes), got ${describeMember(member)} Write join(key, { member, data }).`,
    })
  return { member: member as string, data: toText(channel, fittingNow(channel, 'data', data)) }
}

function describeMember(member: unknown): string {
  if (typeof member === 'string') return `${Buffer.byteLength(member)} bytes.`
  return member === null ? 'null, as the principal of an anonymous caller.' : `${typeof member}.`
}

/** Validates new data of a member. Throws the same errors as `checkMember`. */
export async function checkData(channel: ChannelDefinition, data: unknown): Promise<string> {
  return toText(channel, await fitting(channel, 'data', data))
}

/**
 * Wraps an application's `merge` so that it takes and returns JSON text, as members' rows hold it. Throws what `merge`
 * throws, and the errors of `checkMember` for its result.
 */
export function toTextMerge(
  channel: ChannelDefinition,
  merge: (sessions: readonly unknown[]) => unknown,
): NonNullable<PresenceRules['merge']> {
  return (sessions) => toText(channel, merge(sessions.map((each) => memberDataOf(channel, each))))
}

function toText(channel: ChannelDefinition, data: unknown): string {
  const text = serialise(channel, data)
  const bytes = Buffer.byteLength(text)
  if (bytes <= presenceLimits.dataBytes) return text
  throw new TrunklineError(
    'TOO_LARGE',
    `Expected a member's data of ${channel.name} to have at most ${presenceLimits.dataBytes} bytes (dataBytes), got ${bytes}. Store less data per member.`,
  )
}
