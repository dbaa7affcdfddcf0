import { parseArgs } from 'node:util'
import { defined } from '@trunkline/protocol'
import { createLine, type KickOptions } from '@trunkline/server'

/** The usage of the commands. */
export const revokeUsage = `trunkline connections --principal name
trunkline kick --connection id | --principal name [--session id] --reason text [--ban time]
trunkline revoke --principal name [--issued-before time] [--reason text]

connections lists the open connections of a principal, with the public ids of their sessions. kick ends connections and
sends the reason to their clients; --ban keeps their principal, or the session, out until a time. revoke refuses tokens
that were issued before a time (the default is now) and ends the connections that have no later one. A time is a date
such as 2026-12-31T23:59:59Z, or a time from now: 30m, 12h, 7d. They require TRUNKLINE_TABLE, a region and credentials;
kick and revoke also need TRUNKLINE_CALLBACK_URL. Running them again is harmless.`

type Log = (line: string) => void

/** Lists the connections of a principal of the line that the environment names. Resolves to the exit code. */
export async function runConnectionsCommand(args: readonly string[], log: Log = console.log): Promise<number> {
  const { values } = parseArgs({ args: [...args], options: { principal: { type: 'string' } } })
  const found = await createLine().connections({ principal: required('principal', values.principal) })
  for (const { connectionId, sessionId, openedAt } of found)
    log(`${connectionId}  session ${sessionId}  opened ${openedAt.toISOString()}`)
  log(counted(found.length, 'open'))
  return 0
}

/** Ends connections of the line that the environment names. Resolves to the exit code. */
export async function runKickCommand(args: readonly string[], log: Log = console.log): Promise<number> {
  const text = { type: 'string' } as const
  const options = { connection: text, principal: text, session: text, reason: text, ban: text }
  const { connection, principal, session, reason, ban } = parseArgs({ args: [...args], options }).values
  const target = defined({ connection, principal, session }) as KickOptions // `kick` checks that it is one of both
  const until = ban === undefined ? undefined : toTime('ban', ban)
  const kicking = { ...target, reason: required('reason', reason), ...defined({ ban: until }) }
  const { connections } = await createLine().kick(kicking)
  log(counted(connections, 'ended'))
  if (until !== undefined) log(`banned until ${until.toISOString()}`)
  return 0
}

/** Revokes tokens on the line that the environment names. Resolves to the exit code. */
export async function runRevokeCommand(args: readonly string[], log: Log = console.log): Promise<number> {
  const text = { type: 'string' } as const
  const options = { principal: text, 'issued-before': text, reason: text }
  const { principal, reason, 'issued-before': before } = parseArgs({ args: [...args], options }).values
  const issuedBefore = before === undefined ? new Date() : toTime('issued-before', before)
  const revoking = { issuedBefore, ...defined({ reason }) }
  const { connections } = await createLine().revoke(required('principal', principal), revoking)
  log(`tokens issued before ${issuedBefore.toISOString()} are refused`)
  log(counted(connections, 'ended'))
  return 0
}

function counted(count: number, what: string): string {
  return `${count} ${count === 1 ? 'connection' : 'connections'} ${what}`
}

function required(name: string, value: string | undefined): string {
  if (value !== undefined && value !== '') return value
  throw new Error(`Expected --${name}, got none. trunkline --help shows an example.`)
}

const units = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const

/** A date, or a time from now. */
function toTime(name: string, text: string): Date {
  const [, count, unit] = /^(\d{1,6})([smhd])$/.exec(text) ?? []
  if (count !== undefined) return new Date(Date.now() + Number(count) * units[unit as keyof typeof units])
  const time = /^\d{4}-\d\d-\d\d/.test(text) ? new Date(text) : new Date(Number.NaN)
  if (Number.isFinite(time.getTime())) return time
  throw new Error(`Expected --${name} to be a date such as 2026-12-31T23:59:59Z or a time such as 7d, got ${text}.`)
}
