import { performance } from 'node:perf_hooks'
import { cutEveryMs } from './options.ts'
import type { TcpProxy } from './tcp-proxy.ts'

/**
 * Cuts a subscriber every 2 s, first after `offsetMs`. Calls `onCut` for each cut of an open connection. Returns a
 * function that stops it.
 */
export function cutSubscriber(proxy: TcpProxy, offsetMs: number, onCut: (at: number) => void): () => void {
  return repeat(offsetMs, () => {
    if (proxy.cut() > 0) onCut(performance.now())
  })
}

/**
 * Cuts a publisher every 2 s at the worst moment: alternately, a request is lost, and the answer to an executed
 * request. At a random moment, a loopback has no bytes in flight, so a cut would test nothing.
 */
export function cutPublisher(proxy: TcpProxy, offsetMs: number): () => void {
  return repeat(offsetMs, (round) => proxy.cutAtNext(round % 2 === 0 ? 'down' : 'up'))
}

/** Runs `act` at fixed times, so that a slow round does not delay the next ones. */
function repeat(offsetMs: number, act: (round: number) => void): () => void {
  const startedAt = performance.now()
  let round = 0
  let timer: NodeJS.Timeout
  const arm = () => {
    timer = setTimeout(run, startedAt + offsetMs + round * cutEveryMs - performance.now())
  }
  const run = () => {
    act(round)
    round += 1
    arm()
  }
  arm()
  return () => clearTimeout(timer)
}
