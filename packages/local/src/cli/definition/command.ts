import type { Stage, StageOptions } from '../../stage/stage.ts'
import type { Io } from './io.ts'
import type { OptionDefinition } from './options.ts'

/** A positional argument: `<name>` is required, `[name]` is not. */
export interface ArgumentDefinition {
  readonly required: boolean
  readonly description: string
  /** The values that are accepted. @default any */
  readonly choices?: readonly string[]
  /** Whether shells complete names of files. @default false */
  readonly isFile?: boolean
}

type Options = Readonly<Record<string, OptionDefinition<unknown>>>
type Arguments = Readonly<Record<string, ArgumentDefinition>>

type ValueOf<O> = O extends OptionDefinition<infer T> ? T : never

/** What a command's `run` receives. An option or argument that was not given is absent. */
export interface CommandInput<O extends Options = Options, A extends Arguments = Arguments> {
  readonly options: { readonly [K in keyof O]?: ValueOf<O[K]> }
  readonly args: { readonly [K in keyof A]: A[K]['required'] extends true ? string : string | undefined }
  readonly io: Io
  /** How the user named the line. A command with `onLine` passes it to `findStage`. */
  readonly target: StageOptions
  /** The line that the user named. Rejects with a `UsageError` or an `Error` with the remedy. */
  readonly findLine: () => Promise<Stage>
}

/** A command of `trunkline`. Its module imports what is heavy in `run`, so that every other command starts fast. */
export interface CommandDefinition<O extends Options = Options, A extends Arguments = Arguments> {
  /** `dev`, or `topics list` for a command of a group. */
  readonly name: string
  /** One line for the list of commands, without a full stop. */
  readonly summary: string
  /** Sentences for its own help. */
  readonly description: string
  readonly heading: CommandHeading
  /** Whether the command works on a line, which adds `--stage`, `--local` and so on. @default false */
  readonly onLine?: boolean
  /** Whether the command is the one that its group runs without a subcommand. @default false */
  readonly isDefault?: boolean
  readonly args?: A
  readonly options: O
  /** Command lines with what they do. */
  readonly examples: readonly Example[]
  /** Resolves to the exit code; 0 without one. Throws a `UsageError` for wrong usage, which exits with 2. */
  readonly run: (input: CommandInput<O, A>) => Promise<number | undefined>
}

export type Example = readonly [commandLine: string, whatItDoes: string]

/** The headings of the list of commands, in order. */
export const commandHeadings = ['Develop', 'Use a line', 'Operate a line', 'Describe an application'] as const
export type CommandHeading = (typeof commandHeadings)[number]

/** Keeps the types of options and arguments for `run`. */
export function defineCommand<const O extends Options, const A extends Arguments = Record<never, never>>(
  definition: CommandDefinition<O, A>,
): CommandDefinition {
  return definition as unknown as CommandDefinition
}
