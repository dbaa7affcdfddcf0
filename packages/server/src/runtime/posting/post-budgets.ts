import type { Clock } from '../../ports/clock.ts'
import { createDeadline, type Deadline, narrowDeadline } from '../context/deadline.ts'

/** The budget of one post. Dispose it when the post has ended. */
export interface PostBudget extends Disposable {
  readonly deadline: Deadline
}

/** Begins the budget of one post, which ends at `outer` if that is sooner. */
export type BeginBudget = (outer: Deadline | undefined) => PostBudget

interface SharedBudget {
  readonly outer: Deadline | undefined
  readonly beganAt: number
  readonly deadline: Deadline
  posts: number
}

/**
 * The budgets of posts, of `ms` milliseconds each. Posts that begin in the same millisecond under the same deadline
 * have one timer and one signal: a delivery to thousands of connections would spend more on these than on its messages.
 */
export function createPostBudgets(clock: Clock, ms: number): BeginBudget {
  let newest: SharedBudget | undefined
  const begin = (outer: Deadline | undefined, beganAt: number): SharedBudget => {
    const deadline = outer === undefined ? createDeadline(clock, ms) : narrowDeadline(clock, outer, ms)
    return { outer, beganAt, deadline, posts: 0 }
  }
  return (outer) => {
    const beganAt = clock.now()
    const known = newest?.outer === outer && newest?.beganAt === beganAt && newest.posts > 0 ? newest : undefined
    const budget = known ?? begin(outer, beganAt)
    newest = budget
    budget.posts += 1
    return {
      deadline: budget.deadline,
      [Symbol.dispose]() {
        budget.posts -= 1
        if (budget.posts === 0) budget.deadline[Symbol.dispose]()
      },
    }
  }
}
