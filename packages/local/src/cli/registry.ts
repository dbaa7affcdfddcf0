import { asyncapiCommand } from './commands/asyncapi.ts'
import { callCommand } from './commands/call.ts'
import { completionCommand } from './commands/completion.ts'
import { connectionsListCommand, connectionsShowCommand } from './commands/connections.ts'
import { costCommand } from './commands/cost.ts'
import { devCommand } from './commands/dev.ts'
import { doctorCommand } from './commands/doctor.ts'
import { eraseCommand } from './commands/erase.ts'
import { inspectCommand } from './commands/inspect.ts'
import { kickCommand, revokeCommand } from './commands/kick.ts'
import { publishCommand } from './commands/publish.ts'
import { redriveCommand } from './commands/redrive.ts'
import { subscribeCommand } from './commands/subscribe.ts'
import { tailCommand } from './commands/tail.ts'
import { templateCommand } from './commands/template.ts'
import { topicsListCommand, topicsReadCommand } from './commands/topics.ts'
import type { CommandDefinition } from './definition/command.ts'
import type { CommandGroups } from './program.ts'

/** The commands of `trunkline`, in the order of the help. */
export const commands: readonly CommandDefinition[] = [
  devCommand,
  completionCommand,
  callCommand,
  subscribeCommand,
  publishCommand,
  connectionsListCommand,
  connectionsShowCommand,
  kickCommand,
  revokeCommand,
  topicsListCommand,
  topicsReadCommand,
  redriveCommand,
  doctorCommand,
  inspectCommand,
  tailCommand,
  eraseCommand,
  asyncapiCommand,
  templateCommand,
  costCommand,
]

/** The summaries of the groups: a command `topics list` is in the group `topics`. */
export const commandGroups: CommandGroups = {
  connections: 'The open connections of a line',
  topics: 'The topics of a line and their events',
}
