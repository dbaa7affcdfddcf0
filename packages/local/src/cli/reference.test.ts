import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { commandHeadings } from './definition/command.ts'
import { optionName } from './definition/options.ts'
import { optionsOf } from './program.ts'
import { formatReference } from './reference.ts'
import { commandGroups, commands } from './registry.ts'

describe('the registry', () => {
  it('is what docs/reference/command-line.md says (npx vitest run --project local cli/reference -u)', async () => {
    const page = new URL('../../../../docs/reference/command-line.md', import.meta.url)
    await expect(formatReference(commands)).toMatchFileSnapshot(fileURLToPath(page))
  })

  it.each(commands.map((each) => [each.name, each] as const))(
    'has words, examples and known options for %s',
    (name, each) => {
      const { summary, description, examples, heading } = each
      expect(summary).toMatch(/^[A-Z].*[^.]$/)
      expect(summary.length).toBeLessThanOrEqual(70)
      expect(description).toMatch(/^[A-Z][\s\S]*\.$/)
      expect(commandHeadings).toContain(heading)
      expect(examples.length).toBeGreaterThan(0)
      const known = Object.keys(optionsOf(each)).map(optionName)
      for (const [line] of examples) {
        if (!line.includes(`trunkline ${name}`)) expect(line).toMatch(/^trunkline /) // a group's default command
        // options of trunkline itself, not of a command after a pipe
        const own = line.slice(line.indexOf('trunkline')).split(' | ')[0] ?? ''
        for (const [option] of own.matchAll(/(?<= )--[a-z-]+/g)) expect(known).toContain(option)
      }
    },
  )

  it('has a summary of each group', () => {
    const groups = commands.flatMap(({ name }) => (name.includes(' ') ? [name.split(' ')[0]] : []))
    expect(new Set(groups)).toEqual(new Set(Object.keys(commandGroups)))
  })
})
