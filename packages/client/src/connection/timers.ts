import { type Timer, timerName } from '../session/machine/events.ts'

/** The session's timers on a real clock: arming one again moves it, and one that was cancelled never fires. */
export function createTimers(after: (ms: number, fn: () => void) => () => void, fire: (timer: Timer) => void) {
  const running = new Map<string, () => void>()

  function cancelNamed(name: string): void {
    running.get(name)?.()
    running.delete(name)
  }
  return {
    arm(timer: Timer, ms: number): void {
      const name = timerName(timer)
      cancelNamed(name)
      const due = () => {
        running.delete(name)
        fire(timer)
      }
      running.set(name, after(ms, due))
    },
    cancel(timer: Timer): void {
      cancelNamed(timerName(timer))
    },
    cancelAll(): void {
      for (const name of [...running.keys()]) cancelNamed(name)
    },
  }
}
