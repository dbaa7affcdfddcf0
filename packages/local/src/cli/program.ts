import { defined } from '@trunkline/protocol'
import { Argument, Command, InvalidArgumentError, Option } from 'commander'
import type { Stage, StageOptions } from '../stage/stage.ts'
import { UsageError } from '../stage/usage-error.ts'
import { type CommandDefinition, type CommandInput, commandHeadings } from './definition/command.ts'
import { createIo, type Io, type IoStreams } from './definition/io.ts'
import { flag, type OptionDefinition, optionName, text } from './definition/options.ts'

/** The options of every command. */
export const commonOptions = { json: flag('Print results as JSON') } as const

/** The options of a command on a line. Without them, the environment names the line, else it is `trunkline dev`. */
export const lineOptions = {
  stage: text('name', 'The stage of a deployed line, whose stack is <service>-<stage>'),
  service: text('name', 'The service of the stage (default: the only one that has the stage)'),
  stack: text('name', 'The CloudFormation stack of a deployed line'),
  region: text('name', 'The AWS region of the stack'),
  profile: text('name', 'The AWS profile with the credentials'),
  local: { value: '[address]', description: 'A running trunkline dev, by its port or address if several run' },
} as const satisfies Readonly<Record<string, OptionDefinition<unknown>>>

/** A group of commands and its summary. */
export type CommandGroups = Readonly<Record<string, string>>

export interface ProgramOptions {
  readonly version: string
  readonly commands: readonly CommandDefinition[]
  readonly groups: CommandGroups
  readonly streams: IoStreams
  readonly interrupted: AbortSignal
  readonly findStage: (options: StageOptions) => Promise<Stage>
  /** Receives the exit code of the command that ran. */
  readonly onExitCode: (code: number) => void
}

/** The commander program of the definitions. Parsing throws commander's errors and those of the commands. */
export function createProgram(options: ProgramOptions): Command {
  const { version, commands, groups } = options
  const program = configure(new Command('trunkline'), options)
    .enablePositionalOptions() // `--version` after asyncapi is its own
    .description('Runs, inspects and operates lines of Trunkline, on this machine and on AWS.')
    .version(version, '-V, --version', 'Print the version')
    .helpCommand('help [command]', 'Print the help of a command')
    .addHelpText('after', '\ntrunkline <command> --help prints the options and examples of a command.')
  const parents = new Map<string, Command>()
  for (const heading of commandHeadings)
    for (const definition of commands.filter((each) => each.heading === heading)) {
      const [first = '', second] = definition.name.split(' ')
      if (second === undefined) addCommand(program, first, definition, options)
      else {
        const parent = parents.get(first) ?? configure(program.command(first), options).helpGroup(`${heading}:`)
        parents.set(first, parent.description(groups[first] ?? ''))
        addCommand(parent, second, definition, options)
      }
    }
  return program
}

function configure(command: Command, { streams }: ProgramOptions): Command {
  return command
    .exitOverride()
    .configureOutput({
      writeOut: (output) => void streams.stdout.write(output),
      writeErr: () => {}, // `runCommandLine` prints the error
      getOutHelpWidth: () => 100,
    })
    .helpOption('-h, --help', 'Print this help')
}

/** The options of a command, the common ones included, by their members. */
export function optionsOf(definition: CommandDefinition): Readonly<Record<string, OptionDefinition<unknown>>> {
  return { ...definition.options, ...(definition.onLine === true && lineOptions), ...commonOptions }
}

function addCommand(parent: Command, name: string, definition: CommandDefinition, options: ProgramOptions): void {
  const command = configure(parent.command(name, { isDefault: definition.isDefault === true }), options)
    .summary(definition.summary)
    .description(definition.description)
    .helpGroup(`${definition.heading}:`)
    .allowExcessArguments(false)
    .addHelpText('after', formatExamples(definition))
  const args = Object.entries(definition.args ?? {})
  for (const [member, { required, description, choices }] of args) {
    const argument = new Argument(required ? `<${member}>` : `[${member}]`, description)
    if (choices !== undefined) argument.argChoices = [...choices] // for help; the parser has the message
    command.addArgument(
      argument.argParser((given: string) => {
        if (required && given === '') throw new UsageError(`Expected a value for ${member}, got an empty text.`)
        if (choices?.includes(given) !== false) return given
        throw new UsageError(`Expected ${member} to be ${choices.join(' or ')}, got ${given}.`)
      }),
    )
  }
  const members = Object.entries(optionsOf(definition)).map(
    ([member, declared]) => [member, toOption(member, declared)] as const,
  )
  for (const [, option] of members) command.addOption(option)
  command.action(async () => {
    const given = command.opts<Record<string, unknown>>()
    const values = Object.fromEntries(
      members.flatMap(([member, option]) => {
        const value = given[option.attributeName()]
        const isGiven = option.negate ? value === false : value !== undefined
        return isGiven ? [[member, option.negate ? true : value]] : []
      }),
    )
    const named = args.map(([member], index) => [member, command.processedArgs[index] as string | undefined] as const)
    options.onExitCode((await definition.run(toInput(definition, values, Object.fromEntries(named), options))) ?? 0)
  })
}

function toInput(
  definition: CommandDefinition,
  values: Readonly<Record<string, unknown>>,
  args: Readonly<Record<string, string | undefined>>,
  { streams, interrupted, findStage }: ProgramOptions,
): CommandInput {
  const io: Io = createIo(streams, values['json'] === true, interrupted)
  const target = definition.onLine === true ? toTarget(values) : {}
  const own = Object.fromEntries(Object.entries(values).filter(([name]) => Object.hasOwn(definition.options, name)))
  return { options: own, args: args as CommandInput['args'], io, target, findLine: () => findStage(target) }
}

function toTarget(values: Readonly<Record<string, unknown>>): StageOptions {
  const named = Object.keys(lineOptions).map((name) => [name, values[name] === true ? '' : values[name]])
  return defined(Object.fromEntries(named)) as StageOptions
}

function toOption(member: string, { value, description, choices, parse }: OptionDefinition<unknown>): Option {
  const name = optionName(member)
  const option = new Option(value === undefined ? name : `${name} ${value}`, description)
  if (choices !== undefined) option.argChoices = [...choices] // for completion; `parse` has the message
  if (parse !== undefined)
    option.argParser((given) => {
      try {
        return parse(given, name)
      } catch (error) {
        if (error instanceof UsageError) throw new InvalidArgumentError(error.message)
        throw error
      }
    })
  return option
}

function formatExamples({ examples }: CommandDefinition): string {
  return `\nExamples:\n${examples.map(([line, what]) => `  ${what}:\n    ${line}`).join('\n')}`
}
