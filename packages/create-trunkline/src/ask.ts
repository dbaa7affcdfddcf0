import { cancel, confirm, isCancel, select, text } from '@clack/prompts'
import { type Framework, frameworks, type Template, templates } from './choices.ts'
import { requireEmpty } from './create-project.ts'

/** What the command line gave. */
export interface Given {
  readonly folder?: string | undefined
  readonly template?: Template | undefined
  readonly framework?: Framework | undefined
  readonly install?: boolean | undefined
  readonly git?: boolean | undefined
}

export interface Answers {
  readonly folder: string
  readonly template: Template
  readonly framework: Framework
  readonly install: boolean
  readonly git: boolean
}

/** What is created without questions. */
export const defaults = {
  folder: 'trunkline-app',
  template: 'minimal',
  framework: 'react',
  install: true,
  git: true,
} as const satisfies Answers

/** Asks for what is not given. Undefined when the user cancels. */
export async function ask(given: Given): Promise<Answers | undefined> {
  const answers = await answersTo(given).catch((error: unknown) => {
    if (error instanceof Cancelled) return undefined
    throw error
  })
  if (answers === undefined) cancel('Nothing was created.')
  return answers
}

class Cancelled extends Error {}

async function answersTo(given: Given): Promise<Answers> {
  return {
    folder: given.folder ?? (await answer(askFolder())),
    template: given.template ?? (await answer(askOne('Which template?', templates))),
    framework: given.framework ?? (await answer(askOne('Which framework for the page?', frameworks))),
    install: given.install ?? (await answer(confirm({ message: 'Install the dependencies now?' }))),
    git: given.git ?? (await answer(confirm({ message: 'Create a Git repository?' }))),
  }
}

async function answer<T>(asked: Promise<T>): Promise<Exclude<T, symbol>> {
  const given = await asked
  if (isCancel(given)) throw new Cancelled()
  return given as Exclude<T, symbol>
}

const askFolder = () =>
  text({
    message: 'Where? A name, or . for this folder',
    placeholder: defaults.folder,
    defaultValue: defaults.folder,
    validate: (folder) => problemOf(folder || defaults.folder),
  })

function problemOf(folder: string): string | undefined {
  try {
    requireEmpty(folder)
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

function askOne<Name extends string>(message: string, choices: Readonly<Record<Name, string>>): Promise<Name | symbol> {
  const entries = Object.entries<string>(choices)
  return select<string>({ message, options: entries.map(([value, label]) => ({ value, label })) }) as Promise<
    Name | symbol
  >
}
