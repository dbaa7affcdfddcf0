#!/usr/bin/env node
import { relative, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { intro } from '@clack/prompts'
import { type Answers, ask, defaults, type Given } from './ask.ts'
import { choose, detectPackageManager, frameworks, type PackageManager, packageManagers, templates } from './choices.ts'
import { createProject, ownVersion, requireEmpty, toName, writeProject } from './create-project.ts'
import { run } from './run.ts'

const list = (choices: object) => Object.keys(choices).join(' | ')
const usage = `npm create trunkline@latest [folder] -- [options]

Creates a realtime application: a tRPC router on a line, a page, tests and a deployment. Asks for what is not given.

  folder                   where; its name becomes the name of the project. "." is this folder
  --template <name>        ${list(templates)}
  --framework <name>       ${list(frameworks)}
  --package-manager <name> ${list(packageManagers)} (the one that runs this command)
  --no-install             do not install the dependencies
  --no-git                 do not create a Git repository
  --yes, -y                no questions: ${defaults.template}, ${defaults.framework}, ${defaults.folder} where nothing is given
  --version, --help

Examples
  npm create trunkline@latest
  npm create trunkline@latest my-chat -- --template chat --framework svelte --yes
  npx create-trunkline . --template board --framework none --no-install --yes`

const options = {
  template: { type: 'string', short: 't' },
  framework: { type: 'string', short: 'f' },
  'package-manager': { type: 'string' },
  install: { type: 'boolean' },
  'no-install': { type: 'boolean' },
  git: { type: 'boolean' },
  'no-git': { type: 'boolean' },
  yes: { type: 'boolean', short: 'y' },
  help: { type: 'boolean', short: 'h' },
  version: { type: 'boolean', short: 'v' },
} as const

async function main(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({ args, options, allowPositionals: true })
  if (values.help || values.version) {
    console.log(values.help ? usage : ownVersion())
    return 0
  }
  if (positionals.length > 1) throw new Error(`Expected one folder, got ${positionals.join(', ')}.`)
  const { template, framework, 'package-manager': named } = values
  const given: Given = {
    folder: positionals[0],
    template: template === undefined ? undefined : choose('--template', templates, template),
    framework: framework === undefined ? undefined : choose('--framework', frameworks, framework),
    install: values['no-install'] ? false : values.install,
    git: values['no-git'] ? false : values.git,
  }
  const packageManager =
    named === undefined ? detectPackageManager() : choose('--package-manager', packageManagers, named)
  if (given.folder !== undefined) requireEmpty(given.folder)
  const isTerminal = process.stdin.isTTY === true && process.stdout.isTTY === true
  if (values.yes || !isTerminal) return create({ ...defaults, ...definedOf(given) }, packageManager)
  intro('Trunkline')
  const answers = await ask(given)
  return answers === undefined ? 1 : create(answers, packageManager)
}

function definedOf(given: Given): Partial<Answers> {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
}

async function create(answers: Answers, packageManager: PackageManager): Promise<number> {
  const { folder, template, framework } = answers
  const files = createProject({ name: toName(folder), template, framework, packageManager })
  writeProject(folder, files)
  if (answers.git && !(await run('git rev-parse --is-inside-work-tree', folder, { quiet: true })))
    if (!(await run('git init', folder, { quiet: true })))
      console.warn('Git is not installed: no repository was created.')
  const install = `${packageManager} install`
  const isInstalled = answers.install && (await run(install, folder, { quiet: false }))
  if (answers.install && !isInstalled)
    console.error(`\n${install} failed. The project is complete: run it again there.`)
  const runScript = packageManagers[packageManager]
  const shortRun = packageManager === 'bun' ? runScript : packageManager // bun has a command `test` of its own
  const way = relative(process.cwd(), resolve(folder))
  const steps = [
    ...(way === '' ? [] : [[`cd ${way.includes(' ') ? `"${way}"` : way}`, '']]),
    ...(isInstalled ? [] : [[install, '']]),
    [`${shortRun} start`, 'the line and the page on this machine, reloaded on every change'],
    [`${shortRun} test`, 'the tests, on a line in the test’s process'],
    [`${runScript} deploy`, 'into your AWS account: README.md says what it needs'],
  ] as const
  const width = Math.max(...steps.map(([command = '']) => command.length))
  const lines = steps.map(([command = '', words]) => `  ${command.padEnd(width)}  ${words}`.trimEnd())
  console.log(`\nCreated ${files.size} files in ${resolve(folder)}\n\n${lines.join('\n')}\n`)
  return answers.install && !isInstalled ? 1 : 0
}

main(process.argv.slice(2)).then(
  (code) => {
    process.exitCode = code
  },
  (error: unknown) => {
    const message = error instanceof Error ? error.message : String(error)
    console.error(`${message}\nnpm create trunkline@latest -- --help lists the options.`)
    process.exitCode = 1
  },
)
