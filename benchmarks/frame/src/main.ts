/**
 * `npm run benchmark:frame -- --seconds 3`: what Trunkline adds to a call, a post and an event, in one process.
 * Each row alternates with its control in short rounds and prints the least CPU time of the rounds, and their ratio.
 */
import { parseArgs } from 'node:util'
import { compareCalls } from './calls.ts'
import { compareEvents } from './events.ts'
import { comparePosts } from './posts.ts'

const { values } = parseArgs({ options: { seconds: { type: 'string', default: '3' } } })
const seconds = Number(values.seconds)
if (!(seconds > 0)) throw new RangeError(`Expected --seconds to be a number above 0, got ${values.seconds}.`)

const rows = [...(await compareCalls(seconds)), ...(await comparePosts(seconds)), ...(await compareEvents(seconds))]
console.log('| | µs of CPU time each, least | of the control |')
console.log('|---|---|---|')
for (const { name, microseconds, ratio } of rows)
  console.log(`| ${name} | ${microseconds.toFixed(1)} | ${ratio === undefined ? 'control' : `${ratio.toFixed(2)} ×`} |`)
process.exit(0) // the clients keep timers
