import { asyncapiCommand } from './commands/asyncapi.ts'
import { completionCommand } from './commands/completion.ts'
import { connectionsListCommand } from './commands/connections.ts'
import { costCommand } from './commands/cost.ts'
import { devCommand } from './commands/dev.ts'
import { doctorCommand } from './commands/doctor.ts'
import { eraseCommand } from './commands/erase.ts'
import { inspectCommand } from './commands/inspect.ts'
import { kickCommand, revokeCommand } from './commands/kick.ts'
import { redriveCommand } from './commands/redrive.ts'
import { templateCommand } from './commands/template.ts'
import type { CommandDefinition } from './definition/command.ts'
import type { CommandGroups } from './program.ts'

/** The commands of `trunkline`, in the order of the help. */
export const commands: readonly CommandDefinition[] = [
  devCommand,
  completionCommand,
  connectionsListCommand,
  kickCommand,
  revokeCommand,
  redriveCommand,
  doctorCommand,
  inspectCommand,
  eraseCommand,
  asyncapiCommand,
  templateCommand,
  costCommand,
]

/** The summaries of the groups: a command `topics list` is in the group `topics`. */
export const commandGroups: CommandGroups = {
  connections: 'The open connections of a line',
}
