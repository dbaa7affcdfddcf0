import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { check, writePredictions } from './calibration/calibrate.ts'
import { replacePart } from './document.ts'
import { runScenarios, scenarios } from './report.ts'

const usage = `npm run benchmark:scale                      runs the model, and prints its tables; some minutes
npm run benchmark:scale -- --only hot-topic  runs these scenarios: ${scenarios.map(({ name }) => name).join(', ')}
npm run benchmark:scale -- --write           also writes the tables into docs/reference/scale.md
npm run benchmark:scale -- --predict         measures this machine, and writes benchmarks/scale/predictions.json
npm run benchmark:scale -- --check           runs what was predicted, and prints both; --check=600 runs one
npm run benchmark:scale -- --calibrate       --predict and then --check, written into docs/reference/scale.md`

const path = () => join(process.cwd(), 'docs/reference/scale.md')
const say = (text: string) => process.stderr.write(`${text}\n`)

function write(part: 'scenarios' | 'calibration', text: string): void {
  writeFileSync(path(), replacePart(readFileSync(path(), 'utf8'), part, text))
  say('docs/reference/scale.md is written')
}

async function calibrate(only: string | undefined, isWritten: boolean): Promise<number> {
  const { text, isHeld } = await check(only)
  console.log(text)
  if (isWritten) write('calibration', text)
  return isHeld ? 0 : 1
}

async function main(): Promise<number> {
  const flag = { type: 'boolean', default: false } as const
  const { values } = parseArgs({
    args: process.argv.slice(2).map((arg) => arg.replace(/^--check=/, '--check-only=')),
    options: {
      ...{ write: flag, predict: flag, check: flag, calibrate: flag, help: flag },
      ...{ only: { type: 'string' }, 'check-only': { type: 'string' } },
    },
  })
  if (values.help) console.log(usage)
  else if (values.predict || values.calibrate) {
    console.log(JSON.stringify(await writePredictions(), null, 2))
    if (values.calibrate) return calibrate(undefined, true)
  } else if (values.check || values['check-only'] !== undefined) return calibrate(values['check-only'], false)
  else {
    const chosen = values.only?.split(',') ?? scenarios.map(({ name }) => name)
    const unknown = chosen.filter((name) => scenarios.every((each) => each.name !== name))
    if (unknown.length > 0) throw new Error(`Expected --only to name scenarios, got ${unknown.join(', ')}.\n${usage}`)
    const text = runScenarios({ chosen, onRun: say })
    console.log(text)
    if (values.write) write('scenarios', text)
  }
  return 0
}

process.exit(await main())
