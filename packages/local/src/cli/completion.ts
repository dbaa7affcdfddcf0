import { type Command, type OptionHandler, RootCommand } from '@bomb.sh/tab'
import type { CommandDefinition } from './definition/command.ts'
import { type OptionDefinition, optionName } from './definition/options.ts'
import { printedBy } from './definition/printed-by.ts'
import { type CommandGroups, optionsOf } from './program.ts'

/** The end of an answer after which the shell completes names of files. */
const filesAnswer = ':0'

/**
 * What completes these words, as the scripts of `trunkline completion` read it: one completion a line with its
 * description. The last word is the one at the cursor; it is empty after a space.
 */
export function formatCompletions(
  words: readonly string[],
  commands: readonly CommandDefinition[],
  groups: CommandGroups,
): string {
  return isFile(words, commands) ? filesAnswer : printedBy(() => toRoot(commands, groups).parse([...words]))
}

function toRoot(commands: readonly CommandDefinition[], groups: CommandGroups): RootCommand {
  const root = new RootCommand()
  for (const [name, summary] of Object.entries(groups)) root.command(name, summary)
  for (const definition of commands) {
    const command = root.command(definition.name, definition.summary)
    for (const [member, option] of Object.entries(optionsOf(definition))) addOption(command, member, option)
    for (const [name, { choices = [] }] of Object.entries(definition.args ?? {}))
      command.argument(name, (complete) => {
        for (const value of choices) complete(value, '')
      })
  }
  return root
}

function addOption(command: Command, member: string, { value, choices = [], description }: OptionDefinition<unknown>) {
  const complete: OptionHandler = (add) => {
    for (const choice of choices) add(choice, '')
  }
  const name = optionName(member).slice(2)
  if (value === undefined) command.option(name, description)
  else command.option(name, description, complete)
}

/** Whether the word at the cursor is the name of a file: tab answers without files always. */
function isFile(words: readonly string[], commands: readonly CommandDefinition[]): boolean {
  const definition = commands.find(({ name }) => startsWith(words, name.split(' ')))
  const current = words.at(-1) ?? ''
  if (definition === undefined || current.startsWith('-')) return false
  const options = new Map(Object.entries(optionsOf(definition)).map(([member, each]) => [optionName(member), each]))
  const given = words.slice(definition.name.split(' ').length, -1)
  const ofOption = options.get(given.at(-1) ?? '')
  if (ofOption?.value?.startsWith('<')) return ofOption.isFile === true
  const takesValue = (word: string | undefined) => options.get(word ?? '')?.value?.startsWith('<') === true
  const position = given.filter((word, index) => !word.startsWith('-') && !takesValue(given[index - 1])).length
  return Object.values(definition.args ?? {})[position]?.isFile === true
}

function startsWith(words: readonly string[], name: readonly string[]): boolean {
  return words.length > name.length && name.every((part, index) => words[index] === part)
}
