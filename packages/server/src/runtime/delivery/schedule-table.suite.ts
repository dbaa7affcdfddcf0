import { afterAll, expect } from 'vitest'
import { type Exploration, explore } from '../explore.suite.ts'

/**
 * Explores, expects what it should find, and prints at the end how many schedules that took: `docs/design/evidence.md`
 * quotes the table.
 */
export interface ScheduleTable {
  /** No schedule breaks the law. */
  holds<World>(what: string, exploration: Exploration<World>): Promise<void>
  /**
   * Some schedule breaks it: `mutant` is a law broken on purpose, and `because`, if given, matches how the schedule
   * went.
   */
  catches<World>(mutant: string, exploration: Exploration<World>, because?: RegExp): Promise<void>
}

/** A table of this file's explorations. */
export function createScheduleTable(title: string): ScheduleTable {
  const rows: string[] = []
  afterAll(() => console.log(`\n${[`${title}: schedules`, ...rows].join('\n')}`))
  return {
    async holds(what, exploration) {
      const { schedules, failure } = await explore(exploration)
      rows.push(`${String(schedules).padStart(8)}  ${what}`)
      if (failure !== undefined)
        throw new Error(`${what}: ${failure.steps.join(' → ')}`, { cause: failure.thrown as Error })
    },
    async catches(mutant, exploration, because) {
      const { schedules, failure } = await explore(exploration)
      rows.push(
        `${String(schedules).padStart(8)}  until the mutant is caught: ${mutant} (${reasonOf(failure?.thrown)})`,
      )
      expect(failure, `${mutant} goes unnoticed`).toBeDefined()
      if (because !== undefined) expect(failure?.steps.join(' → ')).toMatch(because)
    },
  }
}

/** Which expectation broke, so that a mutant caught for a wrong reason is seen. */
function reasonOf(thrown: unknown): string {
  return thrown instanceof Error ? (thrown.message.split('\n')[0] ?? '') : String(thrown)
}
