import type { Kernel } from '../../kernel/kernel.ts'

/** A device's clocks and timers, which stop while it sleeps. */
export class DeviceClock {
  readonly #name: string
  readonly #kernel: Kernel
  /** Engines differ: the monotonic clock continues or stops while the machine sleeps. */
  readonly #stopsMonotonic: boolean
  #errorMs: number
  #isAsleep = false
  #sleepsSince = 0
  #sleptMs = 0
  #timers = 0
  /** Events that arrived while it was asleep. */
  #deferred: (() => void)[] = []

  constructor({
    name,
    kernel,
    clockErrorMs,
  }: { readonly name: string; readonly kernel: Kernel; readonly clockErrorMs: number }) {
    this.#name = name
    this.#kernel = kernel
    this.#errorMs = clockErrorMs
    this.#stopsMonotonic = Number(name.slice(1)) % 2 === 0
  }

  get isAsleep(): boolean {
    return this.#isAsleep
  }

  /** How long it has slept in total, without the current sleep. */
  get sleptMs(): number {
    return this.#sleptMs
  }

  /** The number of pending timers. */
  get timers(): number {
    return this.#timers
  }

  /** The time by the device's wall clock. */
  wallTime(): number {
    return this.#kernel.now + this.#errorMs
  }

  /** The virtual time without the time that it slept. */
  awakeTime(): number {
    return (this.#isAsleep ? this.#sleepsSince : this.#kernel.now) - this.#sleptMs
  }

  monotonicTime(): number {
    return this.#stopsMonotonic ? this.awakeTime() : this.#kernel.now
  }

  /** Moves the wall clock by `ms`. */
  moveWallClock(ms: number): void {
    this.#errorMs += ms
  }

  /** Runs `fn` now, or when the device resumes. */
  whenAwake(fn: () => void): void {
    if (this.#isAsleep) this.#deferred.push(fn)
    else fn()
  }

  /** Calls `fn` after `ms`. Returns a function that cancels it. */
  after(ms: number, fn: () => void): () => void {
    this.#timers += 1
    let isOver = false
    const end = () => {
      if (!isOver) this.#timers -= 1
      isOver = true
    }
    const cancel = this.#kernel.after(ms, `timer ${this.#name}`, () =>
      this.whenAwake(() => {
        if (isOver) return
        end()
        fn()
      }),
    )
    return () => {
      end()
      cancel()
    }
  }

  setAsleep(isAsleep: boolean): void {
    if (isAsleep === this.#isAsleep) return
    this.#isAsleep = isAsleep
    if (isAsleep) {
      this.#sleepsSince = this.#kernel.now
      return
    }
    this.#sleptMs += this.#kernel.now - this.#sleepsSince
    for (const fn of this.#deferred.splice(0)) fn()
    this.#deferred = []
  }
}
