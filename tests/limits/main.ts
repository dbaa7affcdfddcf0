/** `npm run limits`: counts what each frame costs, and writes the counts into docs/reference/limits.md. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { generate, replaceParts } from './document.ts'

const path = join(process.cwd(), 'docs/reference/limits.md')
const document = readFileSync(path, 'utf8')
const startedAt = performance.now()
const seconds = () => ((performance.now() - startedAt) / 1_000).toFixed(1)
const parts = await generate((name) => console.log(`${seconds()} s ${name}`))
const text = replaceParts(document, parts)
writeFileSync(path, text)
console.log(`docs/reference/limits.md is ${text === document ? 'unchanged' : 'written'}, after ${seconds()} s`)
