import { defineCommand } from '../definition/command.ts'
import { required, text } from '../definition/options.ts'

export const connectionsListCommand = defineCommand({
  name: 'connections list',
  heading: 'Operate a line',
  summary: 'List the open connections of a principal',
  description: 'Lists the open connections of a principal, with the public ids of their sessions.',
  onLine: true,
  isDefault: true,
  options: { principal: text('name', 'The principal whose connections are listed') },
  examples: [['trunkline connections list --principal ann --stage prod', 'List the connections of ann']],
  async run({ options, io, findLine }) {
    const principal = required(options.principal, '--principal')
    const { createLine } = await import('@trunkline/server')
    const backend = await (await findLine()).backend()
    const found = await createLine({ backend }).connections({ principal })
    io.result(
      found.map(({ openedAt, ...each }) => ({ ...each, openedAt: openedAt.toISOString() })),
      [
        ...found.map(
          ({ connectionId, sessionId, openedAt }) =>
            `${connectionId}  session ${sessionId}  opened ${openedAt.toISOString()}`,
        ),
        counted(found.length, 'open'),
      ],
    )
    return 0
  },
})

/** `2 connections open` */
export function counted(count: number, what: string): string {
  return `${count} ${count === 1 ? 'connection' : 'connections'} ${what}`
}
