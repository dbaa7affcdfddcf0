/** `npm run cost`: writes what `trunkline cost` prints into docs/reference/cost.md. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { withCosts } from './document.ts'

const path = join(process.cwd(), 'docs/reference/cost.md')
const document = readFileSync(path, 'utf8')
const text = withCosts(document)
writeFileSync(path, text)
console.log(`docs/reference/cost.md is ${text === document ? 'unchanged' : 'written'}`)
