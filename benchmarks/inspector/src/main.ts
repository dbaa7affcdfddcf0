/**
 * `npm run benchmark:inspector -- --connections 1000 --frames 100000 --samples 100`: how long the inspector's page
 * takes to scroll, to filter and to open a row while frames arrive, in a real browser on a real line.
 */
import { parseArgs } from 'node:util'
import { chromium } from 'playwright-core'
import { startLine } from './line.ts'
import { measureFilter, measureOpen, measureScroll } from './measure.ts'

const { values } = parseArgs({
  options: {
    connections: { type: 'string', default: '1000' },
    frames: { type: 'string', default: '100000' },
    rate: { type: 'string', default: '100' },
    samples: { type: 'string', default: '100' },
  },
})
const [connections, frames, rate, samples] = (['connections', 'frames', 'rate', 'samples'] as const).map((name) => {
  const number = Number(values[name])
  if (Number.isSafeInteger(number) && number > 0) return number
  throw new RangeError(`Expected --${name} to be a whole number above 0, got ${values[name]}.`)
}) as [number, number, number, number]

const limitMs = 100
const searches = ['ping', 'pong', 'ping out', 'p', 'nothing has this', 'in ping']
const flags = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-background-networking']
const quiet = ['--disable-component-update', '--disable-sync', '--no-first-run']

const line = await startLine(connections)
const executablePath = process.env['TRUNKLINE_CHROMIUM'] ?? '/usr/bin/chromium'
const browser = await chromium.launch({ executablePath, args: [...flags, ...quiet] })
try {
  await line.fill(frames)
  const page = await browser.newPage({ viewport: { width: 1_280, height: 800 } })
  await page.goto(line.inspector)
  await page.locator('#list-panel .space .row').first().waitFor()
  const stop = line.keepBusy(rate)
  const times: Record<string, number[]> = { scrolling: [], filtering: [], 'opening a row': [] }
  for (let sample = 0; sample < samples; sample++) {
    times['scrolling']?.push(await measureScroll(page, ((sample * 37) % 97) / 100))
    times['filtering']?.push(await measureFilter(page, `${searches[sample % searches.length]} ${sample}`))
    times['filtering']?.push(await measureFilter(page, ''))
    times['opening a row']?.push(await measureOpen(page, sample))
  }
  stop()
  const rows = await page.locator('#list-panel .space .row').count()
  print(times, rows)
} finally {
  await browser.close()
  await line.close()
}

function print(times: Readonly<Record<string, readonly number[]>>, rows: number): void {
  const shown = (count: number) => count.toLocaleString('en')
  const state = `${shown(connections)} connections, ${shown(frames)} frames, ${rate} more a second, ${rows} rows`
  console.log(`| ${state} | p50 | p95 | most | limit of p95 |\n|---|--:|--:|--:|--:|`)
  for (const [name, unsorted] of Object.entries(times)) {
    const sorted = [...unsorted].sort((a, b) => a - b)
    const at = (part: number) =>
      `${sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))]?.toFixed(1)} ms`
    console.log(`| ${name} | ${at(0.5)} | ${at(0.95)} | ${at(1)} | ${limitMs} ms |`)
  }
}
