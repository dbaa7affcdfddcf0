import type { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs'
import { defined } from '@trunkline/protocol'
import type { Stage } from '../../stage/stage.ts'
import type { Io } from '../definition/io.ts'
import type { TailEntry, TailSource } from './tail.ts'

export interface LogOptions {
  readonly io: Pick<Io, 'note' | 'interrupted'>
  /** Short names of functions. @default all of the stage */
  readonly functions: readonly string[]
  /** A filter pattern of CloudWatch Logs. @default none */
  readonly pattern?: string
}

/** Reads the logs of a stage's functions from CloudWatch. Needs the right logs:FilterLogEvents on their groups. */
export async function logSource(
  stage: Stage,
  { io, functions, pattern }: LogOptions,
): Promise<{ readonly source: TailSource; readonly close: () => void }> {
  const sdk = await import('./sdk.ts')
  const client = new sdk.CloudWatchLogsClient(stage.clientConfig('CLOUDWATCH_LOGS'))
  const absent = new Set<string>()
  const read = async (name: string, range: { readonly from: number; readonly to: number }) => {
    const logGroupName = stage.logGroups[name]
    if (logGroupName === undefined) return []
    try {
      return await readGroup(sdk, client, { name, logGroupName, io, ...range, ...defined({ pattern }) })
    } catch (error) {
      if (!(error instanceof sdk.ResourceNotFoundException)) throw withRemedy(error, logGroupName)
      if (!absent.has(name)) io.note(`${name} has no log group ${logGroupName} yet.`)
      absent.add(name)
      return []
    }
  }
  return {
    source: async (range) => (await Promise.all(functions.map((name) => read(name, range)))).flat(),
    close: () => client.destroy(),
  }
}

interface GroupRequest {
  readonly name: string
  readonly logGroupName: string
  readonly from: number
  readonly to: number
  readonly pattern?: string
  readonly io: Pick<Io, 'interrupted'>
}

async function readGroup(
  sdk: typeof import('./sdk.ts'),
  client: CloudWatchLogsClient,
  { name, logGroupName, from, to, pattern, io }: GroupRequest,
): Promise<readonly TailEntry[]> {
  const entries: TailEntry[] = []
  const request = { logGroupName, startTime: from, endTime: to, ...defined({ filterPattern: pattern }) }
  for await (const { events = [] } of sdk.paginateFilterLogEvents({ client }, request, { abortSignal: io.interrupted }))
    for (const { eventId = '', timestamp = 0, message = '', logStreamName } of events) {
      const text = message.trimEnd()
      entries.push({
        ...{ at: timestamp, id: eventId, from: name, text },
        facts: { message: toJson(text), logGroup: logGroupName, logStream: logStreamName },
      })
    }
  return entries
}

/** The value of a line that is a JSON object, otherwise the line. */
function toJson(text: string): unknown {
  if (!text.startsWith('{')) return text
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

function withRemedy(error: unknown, group: string): unknown {
  if (!(error instanceof Error) || !/^AccessDenied|^UnrecognizedClient/.test(error.name)) return error
  return new Error(`${error.message} The command needs logs:FilterLogEvents on ${group}.`, { cause: error })
}
