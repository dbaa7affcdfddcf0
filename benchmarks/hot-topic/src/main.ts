/**
 * `npm run benchmark:hot-topic -- --seconds 3 --writers 1,2,4,8`: how many events per second one topic takes while the
 * writers that append to it at the same time become more, with one partition and with several.
 */
import { parseArgs } from 'node:util'
import { type Measured, measure } from './measure.ts'
import { places } from './places.ts'

const { values } = parseArgs({
  options: {
    writers: { type: 'string', default: '1,2,4,8,16,32,64' },
    partitions: { type: 'string', default: '1,4,8' },
    seconds: { type: 'string', default: '3' },
    only: { type: 'string' },
  },
})
const writerCounts = values.writers.split(',').map((text) => toNumber('--writers', text))
const partitionCounts = values.partitions.split(',').map((text) => toNumber('--partitions', text))
const seconds = toNumber('--seconds', values.seconds)
const chosen = places.filter(({ id }) => values.only?.split(',').includes(id) ?? true)
if (chosen.length === 0)
  throw new RangeError(`Expected --only to be of ${places.map(({ id }) => id).join(', ')}; got ${values.only}.`)

for (const place of chosen) {
  const skipped = place.missing?.()
  if (skipped !== undefined) {
    console.log(`${place.name}: skipped, since ${skipped}\n`)
    continue
  }
  const opened = await place.open()
  const rows: Measured[] = []
  try {
    for (const partitions of partitionCounts)
      for (const writers of writerCounts) {
        process.stderr.write(`${place.name}: ${partitions} partitions, ${writers} writers\n`)
        rows.push(await measure(opened.store, { partitions, writers, seconds }))
      }
  } finally {
    await opened.close()
  }
  print(place.name, rows)
}
process.exit(0) // the SDK's client keeps sockets

function toNumber(name: string, text: string): number {
  if (/^[1-9]\d{0,2}$/.test(text)) return Number(text)
  throw new RangeError(`Expected ${name} to be a number from 1 to 999, got ${text}.`)
}

function print(name: string, rows: readonly Measured[]): void {
  const one = rows[0]?.perSecond ?? Number.NaN
  console.log(`| ${name}: partitions | writers | appends/s | of the first row | puts per append | failed | p50 | p95 |`)
  console.log('|--:|--:|--:|--:|--:|--:|--:|--:|')
  for (const { partitions, writers, perSecond, putsPerAppend, failed, p50, p95 } of rows)
    console.log(
      `| ${partitions} | ${writers} | ${perSecond.toFixed(0)} | ${(perSecond / one).toFixed(2)} × | ${putsPerAppend.toFixed(2)} | ${failed} | ${p50.toFixed(1)} ms | ${p95.toFixed(1)} ms |`,
    )
  console.log('')
}
