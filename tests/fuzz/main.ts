/**
 * `npm run fuzz -- --frames 100000 --seed 1`: sends generated frames to the Lambda handlers over a table in memory.
 * `--only 123` repeats one case of that seed and prints its messages and answers.
 */
import { parseArgs } from 'node:util'
import { type Failure, fuzz, type RunOptions } from './run.ts'

const { values } = parseArgs({
  options: {
    frames: { type: 'string', default: '100000' },
    seed: { type: 'string', default: '1' },
    only: { type: 'string' },
  },
})
const frames = wholeNumber('frames', values.frames)
const seed = wholeNumber('seed', values.seed)
const only = values.only === undefined ? {} : { only: wholeNumber('only', values.only), onMessage: show }

const startedAt = performance.now()
const report = await fuzz({ seed, frames, ...only })
const seconds = (performance.now() - startedAt) / 1_000
for (const failure of report.failures) console.log(describe(failure))
const counts = [...report.byState].map(([state, count]) => `${state} ${count}`).join(', ')
console.log(
  `${report.frames} frames of seed ${seed} in ${seconds.toFixed(1)} s, ${Math.round(report.frames / seconds)} a second`,
)
console.log(`states: ${counts}; ${report.neighbourCalls} calls of the neighbour; ${report.bytes} bytes`)
console.log(
  `most CPU: ${report.mostCpuMs.toFixed(1)} ms for a message with one answer, ${report.mostArrayCpuMs.toFixed(1)} ms for one with several`,
)
if (report.heap !== undefined) {
  const { before, withRows, after } = report.heap
  const kilobytes = (bytes: number) => `${Math.round(bytes / 1_024)} KB`
  console.log(
    `heap: ${kilobytes(before)} before, ${kilobytes(withRows)} with rows, ${kilobytes(after)} when they expired`,
  )
}
console.log(`${report.failures.length} failures`)
process.exitCode = report.failures.length === 0 ? 0 : 1

function describe({ flaw, state, index, at, message }: Failure): string {
  const frame = message === undefined ? '(no payload)' : Buffer.from(message).toString('base64')
  const shown = frame.length > 2_000 ? `${frame.slice(0, 2_000)}… (${frame.length} characters)` : frame
  return [
    `FAILED in state ${state}, seed ${seed}, case ${index}, message ${at}: ${flaw}`,
    `  frame, base64: ${shown}`,
    `  repeat it by: npm run fuzz -- --seed ${seed} --only ${index}`,
  ].join('\n')
}

function show(...[connection, message, delivered]: Parameters<NonNullable<RunOptions['onMessage']>>): void {
  const { body, posted, thrown, elapsedMs, cpuMs } = delivered
  console.log(`${connection.state} → ${message?.slice(0, 2_000)}`)
  for (const text of [...posted, body ?? String(thrown)]) console.log(`  ← ${text.slice(0, 2_000)}`)
  console.log(`  ${elapsedMs} ms of the line, ${cpuMs.toFixed(1)} ms of CPU`)
}

function wholeNumber(name: string, value: string): number {
  const number = Number(value)
  if (Number.isSafeInteger(number) && number >= 0) return number
  throw new RangeError(`Expected --${name} to be a whole number from 0, got ${value}.`)
}
