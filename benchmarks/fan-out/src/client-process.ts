import { type ChildProcess, fork } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Command, Opening, Report, Subscribe } from './clients.ts'
import type { DeliveryErrors } from './position.ts'

/** The sockets of the client process. */
export interface Clients {
  open(opening: Opening): Promise<void>
  /** Sends a frame on the last `count` sockets. */
  subscribe(frame: Subscribe, count: number): Promise<void>
  report(): Promise<Report>
  /** Checks the events that all subscriptions saw of a log that ends at `head`. */
  countErrors(head: number): Promise<DeliveryErrors>
  /** Resolves with the milliseconds until `done`, or rejects with the last report after `longestMs`. */
  until(done: (report: Report) => boolean, longestMs: number): Promise<number>
  /** Closes all sockets and resets the counts. */
  close(): Promise<void>
  end(): void
}

const pollMs = 10

/** Starts this program again as the client process. */
export function startClients(program: string): Clients {
  const child = fork(program, ['--clients'], { stdio: 'inherit' })
  let before: Promise<unknown> = Promise.resolve()
  const ask = (command: Command) => {
    const answered = before.then(() => askOne(child, command)) // one at a time, so that answers match commands
    before = answered.catch(() => {}) // `answered` reports the error
    return answered
  }
  const report = async () => (await ask({ type: 'report' })) as Report
  return {
    report,
    countErrors: async (head) => (await ask({ type: 'countErrors', head })) as DeliveryErrors,
    open: async (opening) => void (await ask({ type: 'open', opening })),
    subscribe: async (frame, count) => void (await ask({ type: 'subscribe', frame, count })),
    close: async () => void (await ask({ type: 'close' })),
    async until(done, longestMs) {
      const begun = performance.now()
      for (let last = await report(); !done(last); last = await report()) {
        if (performance.now() - begun > longestMs) throw new Error(`Not all arrived: ${JSON.stringify(last)}`)
        await sleep(pollMs)
      }
      return performance.now() - begun
    },
    end: () => child.disconnect(),
  }
}

function askOne(child: ChildProcess, command: Command): Promise<unknown> {
  return new Promise((resolve, reject) => {
    child.once('message', (answer: object) => {
      if ('error' in answer) reject(new Error(String(answer.error)))
      else resolve(answer)
    })
    child.send(command)
  })
}
