import { defined } from '@trunkline/protocol'
import { alignColumns } from '../definition/align.ts'
import { defineCommand } from '../definition/command.ts'
import { text } from '../definition/options.ts'
import { scanOptions } from '../table/scan-table.ts'

export const connectionsListCommand = defineCommand({
  name: 'connections list',
  heading: 'Operate a line',
  summary: 'List open connections, all or those of a principal',
  description:
    'Lists the open connections of a principal, with the public ids of their sessions. Without --principal it scans the table: it states the number of items and of read units of a deployed line first, asks, and stops after 10,000 rows.',
  onLine: true,
  isDefault: true,
  options: { principal: text('name', 'Only the connections of this principal; reads only their rows'), ...scanOptions },
  examples: [
    ['trunkline connections list --principal ann --stage prod', 'List the connections of ann'],
    ['trunkline connections list --stage prod --max 50000 --yes --json', 'Scan 50,000 rows without a question'],
  ],
  async run({ options: { principal, max, yes }, io, findLine }) {
    const { allConnections, connectionsOf } = await import('../table/connections.ts')
    const stage = await findLine()
    const listed =
      principal === undefined
        ? await allConnections({ stage, io, ...defined({ max, yes }) })
        : { connections: await connectionsOf(stage, principal) }
    const { connections } = listed
    const rows = connections.map(({ connectionId, sessionId, principal: of, via, openedAt = 'unknown' }) => [
      connectionId,
      ...(principal === undefined ? [of ?? 'anonymous'] : []),
      ...(sessionId === undefined ? [] : [`session ${sessionId}`]),
      `opened ${openedAt}`,
      ...(via === 'http' ? ['over HTTP'] : []),
    ])
    io.result(listed, [...alignColumns(rows), counted(connections.length, 'open')])
    return 0
  },
})

export const connectionsShowCommand = defineCommand({
  name: 'connections show',
  heading: 'Operate a line',
  summary: 'Show what a line knows about a connection',
  description:
    'Shows a connection: its principal, claims, times and subscriptions. Nothing that it shows lets anybody act as the client.',
  onLine: true,
  args: { id: { required: true, description: 'The id of the connection' } },
  options: {},
  examples: [["trunkline connections show 'L0SM9cOFvHcCIhw=' --stage prod", 'Show a connection']],
  async run({ args: { id }, io, findLine }) {
    const { describeConnection } = await import('../table/connections.ts')
    const found = await describeConnection(await findLine(), id)
    if (found === undefined)
      throw new Error(`There is no connection ${id}. Check the id; a closed connection is removed after 2 h 10 min.`)
    const { subscriptions, ...facts } = found
    io.result(found, [
      ...Object.entries(facts).map(
        ([name, value]) => `${name}: ${typeof value === 'string' ? value : JSON.stringify(value)}`,
      ),
      `subscriptions: ${subscriptions.length}`,
      ...subscriptions.map(({ topic, path = '' }) => `  ${path}  ${topic}`),
    ])
    return 0
  },
})

/** `2 connections open` */
export function counted(count: number, what: string): string {
  return `${count} ${count === 1 ? 'connection' : 'connections'} ${what}`
}
