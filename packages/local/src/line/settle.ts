const pollMs = 10 // real time, and at least one iteration of the event loop however busy the machine is
const quietPolls = 25
const maxPolls = 1_000

/** The parts of a line that say whether something is in flight. */
interface Settling {
  idle(): Promise<void>
  readonly faults: { seen(): number }
}

/**
 * Waits until nothing is in flight, or until no activity is seen for a while. Work that sleeps by the clock stays in
 * flight until the next step of the advance wakes it.
 */
export async function settle({ idle, faults }: Settling): Promise<void> {
  let isIdle = false
  const idled = idle().then(() => {
    isIdle = true
  })
  let [quiet, seen] = [0, faults.seen()]
  for (let poll = 0; !isIdle && quiet < quietPolls && poll < maxPolls; poll++) {
    await waitOrIdle(idled)
    quiet = faults.seen() === seen ? quiet + 1 : 0
    seen = faults.seen()
  }
}

async function waitOrIdle(idled: Promise<void>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const waited = new Promise<void>((resolve) => (timer = setTimeout(resolve, pollMs)))
  await Promise.race([idled, waited])
  clearTimeout(timer)
}
