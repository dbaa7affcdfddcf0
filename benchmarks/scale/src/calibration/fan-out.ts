import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { LocalRun, Outcome } from './local-line.ts'

const longestMs = 15 * 60_000

/** Runs `npm run benchmark:fan-out` with what `run` asks for, and as little as possible of its other parts. */
export async function runFanOut({ sockets, rush }: LocalRun): Promise<Outcome> {
  const crowd = rush === undefined ? 1 : sockets
  const options = {
    ...{ connections: rush === undefined ? sockets : 1, late: 0, publishes: 3, bundled: 1, topics: 1, burst: 1 },
    ...{ crowd, rush: rush?.events ?? 1, quota: rush?.postsPerSecond ?? 300 },
  }
  const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)])
  const { stdout } = await promisify(execFile)(process.execPath, ['scripts/benchmark.mjs', 'fan-out', ...args], {
    ...{ timeout: longestMs, maxBuffer: 10_000_000 },
  })
  return parseFanOut(stdout, rush === undefined ? 'publish' : 'rush')
}

/** The time and the posts of one part, from what the benchmark prints. Throws if it prints something else. */
export function parseFanOut(text: string, part: 'publish' | 'rush'): Outcome {
  const posts = /^\| `posts` \| (\d+) \| \d+ \| (\d+) \|$/m.exec(text)
  const time =
    part === 'publish'
      ? /^\| Trunkline, on its local line \| ([\d.]+) s \|/m.exec(text)
      : /^\| Trunkline \| \d+ \| ([\d.]+) s \|$/m.exec(text)
  const taken = posts?.[part === 'publish' ? 1 : 2]
  if (time?.[1] === undefined || taken === undefined)
    throw new Error(`Expected the tables of benchmarks/fan-out, got:\n${text}`)
  return { seconds: Number(time[1]), posts: Number(taken) }
}
