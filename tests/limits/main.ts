/** `npm run limits`: counts what each frame costs, and writes docs/reference/limits.md and the counts of operations. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { generate, replaceParts, toModule } from './document.ts'

const path = join(process.cwd(), 'docs/reference/limits.md')
const document = readFileSync(path, 'utf8')
const startedAt = performance.now()
const seconds = () => ((performance.now() - startedAt) / 1_000).toFixed(1)
const { parts, counts } = await generate({ onRow: (name) => console.log(`${seconds()} s ${name}`) })
writeFileSync(join(process.cwd(), 'packages/local/src/cost/counts.ts'), toModule(counts))
const text = replaceParts(document, parts)
writeFileSync(path, text)
console.log(`docs/reference/limits.md is ${text === document ? 'unchanged' : 'written'}, after ${seconds()} s`)
