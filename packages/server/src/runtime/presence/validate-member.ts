import { TRPCError } from '@trpc/server'
import type { ChannelDefinition, PresenceRules } from '../../define/definition.ts'
import { presenceLimits } from '../../define/presence.ts'
import { TrunklineError } from '../context/trunkline-error.ts'
import { fitting, fittingNow } from '../log/match-channel.ts'
import { memberDataOf } from '../log/stored-event.ts'
import { serialise } from '../log/validate-event.ts'

/** What a join says of a member, checked: `data` becomes JSON text. Throws BAD_REQUEST with the issues, or TOO_LARGE with the limit. A join answers at once, so the schema must be synchronous. */
export function checkMember(
  channel: ChannelDefinition,
  { member, data }: { readonly member: string; readonly data: unknown },
): { readonly member: string; readonly data: string } {
  const bytes = typeof member === 'string' && !/\p{Cs}/u.test(member) ? Buffer.byteLength(member) : 0
  if (bytes < 1 || bytes > presenceLimits.memberBytes)
    throw new TRPCError({
      code: 'BAD_REQUEST',
      message: `Expected a member of ${channel.name} as a text of 1 to ${presenceLimits.memberBytes} bytes (memberBytes), got ${typeof member === 'string' ? `${Buffer.byteLength(member)} bytes` : typeof member}.`,
    })
  return { member, data: toText(channel, fittingNow(channel, 'data', data)) }
}

/** New data of a member, checked. Throws as `checkMember` does. */
export async function checkData(channel: ChannelDefinition, data: unknown): Promise<string> {
  return toText(channel, await fitting(channel, 'data', data))
}

/** An application's `merge` over JSON texts, as members' rows hold them. Throws what it throws, and as `checkMember` does for what does not fit. */
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
    `A member's data of ${channel.name} has ${bytes} bytes; ${presenceLimits.dataBytes} fit (dataBytes).`,
  )
}
