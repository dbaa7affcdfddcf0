import { performance } from 'node:perf_hooks'
import { cutEveryMs } from './options.ts'
import type { TcpProxy } from './tcp-proxy.ts'

/** Cuts a subscriber every 2 s, first `offsetMs` from now. `onCut` is told of each cut that found a connection. Returns the way to stop. */
export function cutSubscriber(proxy: TcpProxy, offsetMs: number, onCut: (at: number) => void): () => void {
  return regularly(offsetMs, () => {
    if (proxy.cut() > 0) onCut(performance.now())
  })
}

/**
 * Cuts a publisher every 2 s, where it hurts: by turns a request is lost, and the answer to a request that was carried out.
 * At a random moment a loopback has nothing under way, and nothing would be found out.
 */
export function cutPublisher(proxy: TcpProxy, offsetMs: number): () => void {
  return regularly(offsetMs, (turn) => proxy.cutAtNext(turn % 2 === 0 ? 'down' : 'up'))
}

/** By the clock, so that a slow turn does not delay those after it. */
function regularly(offsetMs: number, act: (turn: number) => void): () => void {
  const startedAt = performance.now()
  let turn = 0
  let timer: NodeJS.Timeout
  const arm = () => {
    timer = setTimeout(take, startedAt + offsetMs + turn * cutEveryMs - performance.now())
  }
  const take = () => {
    act(turn)
    turn += 1
    arm()
  }
  arm()
  return () => clearTimeout(timer)
}
