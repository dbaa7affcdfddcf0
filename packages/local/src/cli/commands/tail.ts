import { defined } from '@trunkline/protocol'
import type { Stage } from '../../stage/stage.ts'
import { UsageError } from '../../stage/usage-error.ts'
import { defineCommand } from '../definition/command.ts'
import { flag, text as textOption, time } from '../definition/options.ts'

const defaultSinceMs = 5 * 60_000

export const tailCommand = defineCommand({
  name: 'tail',
  heading: 'Operate a line',
  summary: 'Follow the logs of the functions, and the frames of a local line',
  description:
    "Prints the logs of a line's functions by time until Ctrl-C, from the last 5 minutes on. On a trunkline dev they are the console output and the end of each run, and the frames of its connections. On a stage they are the logs of all its functions in CloudWatch, which are 2 s late; it reads them every 2 s, which AWS bills as requests of FilterLogEvents. With --json each line is an object.",
  onLine: true,
  options: {
    function: textOption('name', 'Only this function, such as websocket; several with commas'),
    filter: textOption('text', 'Only lines with this text'),
    pattern: textOption('pattern', 'Of a stage: a filter pattern of CloudWatch Logs, such as { $.level = "ERROR" }'),
    since: time('Where to begin: a date, or a time ago such as 1h', 'past'),
    frames: flag('Of a trunkline dev: only frames'),
    text: flag('Of a trunkline dev: the text of each frame too'),
    logs: flag('Of a trunkline dev: only logs'),
    noFollow: flag('End when everything until now is printed'),
  },
  examples: [
    ['trunkline tail', 'Follow the trunkline dev that runs'],
    ['trunkline tail --stage prod --filter ERROR --since 1h', 'Follow the errors of a stage'],
    ['trunkline tail --stage prod --function websocket,deliver --no-follow --json', 'Print the last 5 minutes as JSON'],
  ],
  async run({ options, io, findLine }) {
    const { filter, pattern, frames = false, logs = false, noFollow, since } = options
    if (filter !== undefined && pattern !== undefined)
      throw new UsageError('Expected either --filter or --pattern, got both. Leave one out.')
    if (frames && logs) throw new UsageError('Expected either --frames or --logs, got both. Leave both out for both.')
    if (frames && options.function !== undefined)
      throw new UsageError('Expected either --frames or --function, got both: a frame is of no function.')
    const stage = await findLine()
    const named = toFunctions(stage, options.function)
    const { tail } = await import('../tail/tail.ts')
    const settings = {
      io,
      since: since?.getTime() ?? Date.now() - defaultSinceMs,
      follow: noFollow !== true,
    }
    if (stage.kind === 'local') {
      if (pattern !== undefined) throw new UsageError('Expected --filter on a local line, got --pattern.')
      const { inspectorSource } = await import('../tail/inspector-feed.ts')
      const wanted = {
        frames: !logs && named === undefined,
        texts: options.text === true,
        logs: !frames,
        functions: named,
        filter,
      }
      const source = inspectorSource(stage.inspectorUrl ?? '', { ...wanted, signal: io.interrupted })
      await tail(source, { ...settings, everyMs: 250, settleMs: 0, lateMs: 60_000 })
      return 0
    }
    if (frames || options.text)
      throw new UsageError(
        `Expected --${frames ? 'frames' : 'text'} on a local line: the frames of a stage are in no log.`,
      )
    if (Object.keys(stage.logGroups).length === 0)
      throw new Error('The functions of this line are not known. Name it with --stage, or set TRUNKLINE_DELIVER.')
    const { logSource } = await import('../tail/log-groups.ts')
    const { source, close } = await logSource(stage, {
      io,
      functions: named ?? Object.keys(stage.logGroups),
      ...defined({ pattern: pattern ?? (filter === undefined ? undefined : JSON.stringify(filter)) }),
    })
    try {
      await tail(source, { ...settings, everyMs: 2_000, settleMs: 2_000, lateMs: 30_000 })
    } finally {
      close()
    }
    return 0
  },
})

function toFunctions(stage: Stage, given: string | undefined): readonly string[] | undefined {
  if (given === undefined) return undefined
  const names = given.split(',').map((name) => name.trim())
  const unknown = names.find((name) => !Object.hasOwn(stage.functions, name))
  if (unknown === undefined) return names
  throw new UsageError(`Expected --function to be of ${Object.keys(stage.functions).join(', ')}, got ${unknown}.`)
}
