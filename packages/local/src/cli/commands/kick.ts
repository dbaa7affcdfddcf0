import { defined } from '@trunkline/protocol'
import type { KickOptions } from '@trunkline/server'
import { UsageError } from '../../stage/usage-error.ts'
import { defineCommand } from '../definition/command.ts'
import { required, text, time } from '../definition/options.ts'
import { counted } from './connections.ts'

/** What a command says of a principal that had no connection: its name may be wrong. */
const noConnection = (principal: string, session?: string) =>
  `${principal} had no open connection${session === undefined ? '' : ` of the session ${session}`}. Check the name: it is the principal that authorize returns.`

export const kickCommand = defineCommand({
  name: 'kick',
  heading: 'Operate a line',
  summary: 'End connections with a reason, and ban',
  description:
    'Ends a connection, or all of a principal, or those of one of its sessions, and sends the reason to their clients. --ban keeps the principal, or the session, out until a time: a date such as 2026-12-31T23:59:59Z, or a time from now such as 30m, 12h or 7d. An unknown connection fails, and nothing is written. Running it again is harmless.',
  onLine: true,
  options: {
    connection: text('id', 'The connection to end'),
    principal: text('name', 'The principal whose connections end'),
    session: text('id', 'With --principal: only those of this session, by its public id'),
    reason: text('text', 'The reason that the clients get'),
    ban: time('Until when the principal or the session is kept out'),
  },
  examples: [
    ['trunkline kick --principal ann --reason spam --ban 7d --stage prod', 'End the connections of ann for a week'],
    ["trunkline kick --connection 'L0SM9cOFvHcCIhw=' --reason 'signed in elsewhere'", 'End one connection'],
  ],
  async run({ options, io, findLine }) {
    const { connection, principal, session, ban } = options
    const reason = required(options.reason, '--reason')
    if ((connection === undefined) === (principal === undefined))
      throw new UsageError(
        `Expected either --connection or --principal, got ${connection === undefined ? 'neither' : 'both'}.`,
      )
    if (session !== undefined && principal === undefined)
      throw new UsageError('Expected --principal with --session, got --connection.')
    if (ban !== undefined && ban.getTime() <= Date.now())
      throw new UsageError(`Expected --ban to be in the future, got ${ban.toISOString()}.`)
    const { createLine } = await import('@trunkline/server')
    const backend = await (await findLine()).backend()
    // `kick` of the library closes an unknown connection in advance, as its handshake may be running
    if (connection !== undefined && (await backend.store.readConnection(connection)) === undefined)
      throw new Error(
        `There is no connection ${connection}. trunkline connections lists those that are open; the row of a closed one is removed after 2 h 10 min.`,
      )
    const kicking = { reason, ...defined({ connection, principal, session, ban }) } as KickOptions
    const { connections } = await createLine({ backend }).kick(kicking)
    io.result({ connections, ...defined({ bannedUntil: ban?.toISOString() }) }, [
      counted(connections, 'ended'),
      ...(ban === undefined ? [] : [`banned until ${ban.toISOString()}`]),
    ])
    if (connections === 0)
      io.note(principal === undefined ? 'The connection was closed before.' : noConnection(principal, session))
    return 0
  },
})

export const revokeCommand = defineCommand({
  name: 'revoke',
  heading: 'Operate a line',
  summary: 'Refuse tokens that were issued before a time',
  description:
    'Refuses the tokens of a principal that were issued before a time, and ends the connections that have no later one. The time is a date such as 2026-12-31T23:59:59Z, or a time ago such as 30m. Running it again is harmless.',
  onLine: true,
  options: {
    principal: text('name', 'The principal whose tokens are refused'),
    issuedBefore: time('Tokens from before this time are refused (default: now)', 'past'),
    reason: text('text', 'The reason that the clients get'),
  },
  examples: [
    ["trunkline revoke --principal ann --reason 'signed out everywhere' --stage prod", 'Refuse all tokens of ann'],
    ['trunkline revoke --principal ann --issued-before 2026-12-31T12:00:00Z', 'Refuse those from before noon'],
  ],
  async run({ options, io, findLine }) {
    const principal = required(options.principal, '--principal')
    const { issuedBefore = new Date(), reason } = options
    if (issuedBefore.getTime() > Date.now())
      throw new UsageError(`Expected --issued-before to be in the past, got ${issuedBefore.toISOString()}.`)
    const { createLine } = await import('@trunkline/server')
    const backend = await (await findLine()).backend()
    const revoking = { issuedBefore, ...defined({ reason }) }
    const { connections } = await createLine({ backend }).revoke(principal, revoking)
    io.result({ connections, issuedBefore: issuedBefore.toISOString() }, [
      `tokens issued before ${issuedBefore.toISOString()} are refused`,
      counted(connections, 'ended'),
    ])
    if (connections === 0) io.note(noConnection(principal))
    return 0
  },
})
