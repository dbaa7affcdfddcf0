import { createPostPacer, type PostPacer } from '../../../../packages/server/src/runtime/posting/post-pacer.ts'
import type { ModelGateway } from './gateway.ts'
import type { Simulation } from './kernel.ts'

/** The posts of one function. */
export interface Delivery {
  readonly rows: number
  readonly concurrency: number
  readonly pacer: PostPacer
  /** No post begins later than this after the start. @default never */
  readonly budgetMs?: number
  /** Called with the rows that were not posted within the budgets. */
  readonly done: (undelivered: number) => void
}

const postBudgetMs = 6_000 // of `post.ts`: the attempts of one post
const firstPauseMs = 50
const maxPauseMs = 1_000

/** The product's own pacer, by the model's clock. One function has one. */
export function createModelPacer(sim: Simulation, accountRate: number): PostPacer {
  const clock = { now: () => sim.now(), sleep: async () => {}, random: () => sim.random.next() }
  return createPostPacer(clock, accountRate)
}

/** Posts to each row, as `deliverTo` does: some at a time, paced, and a refused post again with full jitter. */
export function deliver(sim: Simulation, gateway: ModelGateway, { rows, concurrency, pacer, ...rest }: Delivery): void {
  const { budgetMs = Number.POSITIVE_INFINITY, done } = rest
  const endsAt = sim.now() + budgetMs
  let [next, running, undelivered] = [0, 0, 0]

  function work(): void {
    if (sim.now() >= endsAt) {
      undelivered += rows - next
      next = rows
    }
    if (next >= rows) {
      running -= 1
      if (running === 0) done(undelivered)
      return
    }
    const row = next++
    const delayMs = pacer.reserve()
    sim.after(delayMs, () => attempt(row, Math.min(endsAt, sim.now() + postBudgetMs), firstPauseMs))
  }
  function attempt(row: number, until: number, pauseMs: number): void {
    gateway.post((isPosted) => {
      if (isPosted) return work()
      pacer.noteThrottled(String(row))
      const waitMs = Math.max(sim.random.next() * pauseMs, pacer.reserve())
      if (sim.now() + waitMs >= until) {
        undelivered += 1
        return work()
      }
      sim.after(waitMs, () => attempt(row, until, Math.min(pauseMs * 2, maxPauseMs)))
    })
  }
  if (rows === 0) done(0)
  running = Math.min(concurrency, rows)
  for (let n = running; n > 0; n--) work()
}
