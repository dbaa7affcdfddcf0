import { defineCommand } from '../definition/command.ts'
import { printedBy } from '../definition/printed-by.ts'

const shells = ['bash', 'zsh', 'fish'] as const

export const completionCommand = defineCommand({
  name: 'completion',
  heading: 'Develop',
  summary: 'Print the completion script of a shell',
  description:
    'Prints a script that completes commands, options and names of files. The shell loads it at its start, and it asks trunkline for each completion, so it needs no update. trunkline must be on the PATH: install @trunkline/local globally, or add node_modules/.bin.',
  args: { shell: { required: true, description: 'The shell', choices: shells } },
  options: {},
  examples: [
    [`echo 'source <(trunkline completion bash)' >> ~/.bashrc`, 'Set it up in bash'],
    [`echo 'source <(trunkline completion zsh)' >> ~/.zshrc`, 'Set it up in zsh, after compinit'],
    ['trunkline completion fish > ~/.config/fish/completions/trunkline.fish', 'Set it up in fish'],
  ],
  async run({ args: { shell }, io }) {
    const { script } = await import('@bomb.sh/tab')
    const text = printedBy(() => script(shell, 'trunkline', 'trunkline'))
    io.print(shell === 'bash' ? forBash(text) : text)
    return 0
  },
})

/**
 * The script for a bash with or without the package bash-completion. It can be sourced twice, completes names of files,
 * and runs nothing of what the user has typed.
 */
function forBash(script: string): string {
  const words = `if ! declare -F _get_comp_words_by_ref >/dev/null; then
    _get_comp_words_by_ref() {
        words=("\${COMP_WORDS[@]}") cword=$COMP_CWORD
        cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD - 1]}
    }
fi`
  const safe = script
    .replace(/^readonly /gm, '')
    .replace(/complete -- \$\{words\[@\]:1\}"/, `complete --$(printf ' %q' "\${words[@]:1:cword}")"`)
    .replace('complete -F ', 'complete -o default -F ')
  return `${words}\n${safe}`
}
