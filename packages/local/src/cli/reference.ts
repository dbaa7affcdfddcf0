import { type CommandDefinition, commandHeadings } from './definition/command.ts'
import { type OptionDefinition, optionName } from './definition/options.ts'
import { commonOptions, lineOptions } from './program.ts'

/**
 * The page docs/reference/command-line.md of these commands. The test of this module compares the page with it, and
 * writes it with `npx vitest run --project local cli/reference -u`.
 */
export function formatReference(commands: readonly CommandDefinition[]): string {
  return `${[head, ...commandHeadings.flatMap((heading) => formatHeading(heading, commands)), tail].join('\n\n')}\n`
}

const head = `---
title: Command line
description: Every command of trunkline, with its options, examples and exit codes.
---
# Command line

\`trunkline\` is the command of \`@trunkline/local\`: \`npx trunkline <command>\` in a project that has it. This page is
generated from the commands' own definitions, which \`trunkline <command> --help\` prints too.

## The line that a command works on

A command that works on a line finds it in this order:

1. \`--local\` names a \`trunkline dev\` that runs on this machine, by its port or address if several run.
2. \`--stage prod\`, with \`--service shop\` if several services have that stage, or \`--stack shop-prod\` names a deployed
   line. The command reads the outputs and resources of its CloudFormation stack, which needs
   \`cloudformation:DescribeStacks\` and \`cloudformation:ListStackResources\`. \`--region\` and \`--profile\` choose where.
3. The environment: \`TRUNKLINE_TABLE\`, \`TRUNKLINE_CALLBACK_URL\`, \`TRUNKLINE_DELIVER\`, \`TRUNKLINE_WORKER\`,
   \`TRUNKLINE_DELAY_QUEUE_URL\` and \`TRUNKLINE_FAILURES\`, as [the table's page](../design/table.md#environment-variables)
   describes them.
4. The \`trunkline dev\` that runs: the only one, or of several the one at port 4400.

A command that works on a line has these options:

${formatOptions(lineOptions)}

## Output

Results are on stdout. Notes, progress and errors are on stderr. With \`--json\`, a result is one JSON value. Commands
that go on, such as \`subscribe\` and \`tail\`, print one value a line. An error is
\`{"error":{"message","docs","exitCode"}}\` on stderr, with the code of a failed call; \`docs\` is the address of what
these pages say about it. Progress is shown only on a terminal.

## Exit codes

| code | meaning |
|--:|---|
| 0 | done; also when Ctrl-C ends a command that goes on until then |
| 1 | failed: the message says why and what to do |
| 2 | wrong usage: nothing was done |
| 128 + n | stopped by signal n before it was done: 130 for Ctrl-C, 141 when nobody reads its output |

## Completion

\`trunkline completion\` prints a script for bash, zsh or fish, which completes commands, options, values and names of
files. \`trunkline\` must be on the \`PATH\`: install \`@trunkline/local\` globally, or add \`node_modules/.bin\` to it.

\`\`\`sh
echo 'source <(trunkline completion bash)' >> ~/.bashrc
echo 'source <(trunkline completion zsh)' >> ~/.zshrc # after compinit
trunkline completion fish > ~/.config/fish/completions/trunkline.fish
\`\`\``

const tail = `## Commands that scan

\`connections list\` without \`--principal\` and \`topics list\` without a topic read the whole table, because it has no
index. They print the number of items and of read units first, and ask. \`--yes\` answers; where no terminal can answer,
they refuse without it. They stop after 10,000 rows, or \`--max\`, and say so. Reads are eventually consistent: half a
read unit for 4 KB. The table of a \`trunkline dev\` costs nothing and is scanned without a question.`

function formatHeading(heading: string, commands: readonly CommandDefinition[]): readonly string[] {
  const of = commands.filter((each) => each.heading === heading)
  return [`## ${heading}`, ...of.map(formatCommand)]
}

function formatCommand(definition: CommandDefinition): string {
  const { name, description, options, examples, onLine } = definition
  const args = Object.entries(definition.args ?? {})
  const words = args.map(([member, { required }]) => (required ? `<${member}>` : `[${member}]`))
  const rows = args.map(
    ([member, each]) => `| \`${member}\` | ${escapeBars(escapeTags(each.description))}${choicesOf(each.choices)} |`,
  )
  return [
    `### trunkline ${name}`,
    `\`\`\`text\n${['trunkline', name, ...words, '[options]'].join(' ')}\n\`\`\``,
    wrap(escapeTags(description)),
    ...(onLine === true ? ['It works on a line.'] : []),
    ...(rows.length === 0 ? [] : [['| argument | |', '|---|---|', ...rows].join('\n')]),
    formatOptions({ ...options, ...commonOptions }),
    `\`\`\`sh\n${examples.map(([line, what]) => `# ${what}\n${line}`).join('\n')}\n\`\`\``,
  ].join('\n\n')
}

function formatOptions(options: Readonly<Record<string, OptionDefinition<unknown>>>): string {
  const rows = Object.entries(options).map(([member, { value, description }]) => {
    const name = value === undefined ? optionName(member) : `${optionName(member)} ${value}`
    return `| \`${escapeBars(name)}\` | ${escapeBars(escapeTags(description))} |`
  })
  return ['| option | |', '|---|---|', ...rows].join('\n')
}

function choicesOf(choices: readonly string[] | undefined): string {
  return choices === undefined ? '' : `: ${choices.join(', ')}`
}

function escapeBars(text: string): string {
  return text.replaceAll('|', '\\|')
}

/** Markdown would take `<stage>` for HTML. */
function escapeTags(text: string): string {
  return text.replaceAll('<', '&lt;')
}

/** Paragraphs in lines of at most 120 characters. */
function wrap(text: string): string {
  return text
    .split('\n')
    .map((paragraph) => paragraph.replace(/(.{1,120})(?: +|$)/g, '$1\n').trimEnd())
    .join('\n')
}
