/** What each template shows, by its name. */
export const templates = {
  minimal: 'Minimal: one room, one mutation, one live subscription',
  chat: 'Chat: presence, typing, history, messages that survive a lost connection',
  board: 'Board: a DynamoDB table is the source of every event',
  ai: 'AI: answers as streams that survive a reload and show in every tab',
} as const
/** The name of a template. */
export type Template = keyof typeof templates

/** The frameworks of the page, by their names. */
export const frameworks = {
  react: 'React',
  svelte: 'Svelte',
  vue: 'Vue',
  none: 'None: TypeScript and the DOM',
} as const
/** The name of a framework. */
export type Framework = keyof typeof frameworks

/** Programs that install packages, each with the command that runs a script. pnpm has a command `deploy` of its own. */
export const packageManagers = { npm: 'npm run', pnpm: 'pnpm run', yarn: 'yarn', bun: 'bun run' } as const
/** The name of a package manager. */
export type PackageManager = keyof typeof packageManagers

/** The title of a template's page. */
export const titles: Readonly<Record<Template, string>> = {
  minimal: 'Notes',
  chat: 'Chat',
  board: 'Board',
  ai: 'Answers',
}

/** One of the names of `choices`. Throws an `Error` that lists them. */
export function choose<Name extends string>(
  option: string,
  choices: Readonly<Record<Name, unknown>>,
  given: string,
): Name {
  if (Object.hasOwn(choices, given)) return given as Name
  throw new Error(`Expected ${option} to be one of ${Object.keys(choices).join(', ')}; got ${given}.`)
}

/** The package manager that runs this command, by the variable that all of them set. npm if none did. */
export function detectPackageManager(userAgent = process.env['npm_config_user_agent'] ?? ''): PackageManager {
  const [name = ''] = userAgent.split('/')
  return Object.hasOwn(packageManagers, name) ? (name as PackageManager) : 'npm'
}
