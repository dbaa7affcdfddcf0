import { defined } from '@trunkline/protocol'
import { defineCommand } from '../definition/command.ts'
import { count, flag, text } from '../definition/options.ts'

export const redriveCommand = defineCommand({
  name: 'redrive',
  heading: 'Operate a line',
  summary: 'Replay failed deliveries from the log',
  description:
    'Replays failed deliveries from the log: invokes the deliver function for each topic and offset in the on-failure queue, and for each failed check of a presence or of an unconfirmed connection, then deletes the messages that were accepted. Without a stage it needs TRUNKLINE_DELIVER, a region and credentials. Running it again is harmless.',
  onLine: true,
  options: {
    queue: text('url', 'The on-failure queue (default: that of the stage, or TRUNKLINE_FAILURES)'),
    dryRun: flag('Print what would be replayed and change nothing'),
    max: count('The most messages to read (default: all)'),
  },
  examples: [
    ['trunkline redrive --stage prod --dry-run', 'Print what failed'],
    ['trunkline redrive --stage prod --max 100', 'Replay the first hundred messages'],
  ],
  async run({ options, io, findLine }) {
    const { formatCounts, runRedrive } = await import('../../redrive/run-redrive.ts')
    const { queue, dryRun = false, max } = options
    const settings = defined({ dryRun, queue, max })
    const counts = await runRedrive(await findLine(), settings, io.isJson ? io.note : io.print)
    io.result({ ...counts, dryRun }, formatCounts(counts, dryRun))
    return counts.failed > 0 ? 1 : 0
  },
})
