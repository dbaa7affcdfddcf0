import { writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { bare } from './contestants/bare.ts'
import { socketIoPlain, socketIoRecovery } from './contestants/socketio.ts'
import { trpcEmitter } from './contestants/trpc-emitter.ts'
import { trpcTracked } from './contestants/trpc-tracked.ts'
import { trunkline } from './contestants/trunkline.ts'
import { count } from './count.ts'
import { parseOptions } from './options.ts'
import { type Result, toJson, toMarkdown } from './report.ts'
import { runContestant } from './run-contestant.ts'

const contestants = [trunkline, socketIoRecovery, socketIoPlain, trpcEmitter, trpcTracked, bare]
const restMs = 500 // 0.5 s, so that the sockets of one contestant are closed before the next is timed

const options = parseOptions(process.argv.slice(2))
const results: Result[] = []
for (const contestant of contestants) {
  if (options.only.length > 0 && !options.only.includes(contestant.id)) continue
  process.stderr.write(`${contestant.name} …\n`)
  results.push({ contestant, counts: count(await runContestant(contestant, options)) })
  await sleep(restMs)
}
process.stdout.write(`${toMarkdown(results, options)}\n`)
if (options.json !== undefined) writeFileSync(options.json, toJson(results, options))

const own = results.find(({ contestant }) => contestant === trunkline)?.counts
const broken = own !== undefined && (own.lost > 0 || own.doubled > 0 || own.reordered > 0)
if (broken) process.stderr.write('Trunkline lost, duplicated or reordered events. This is a bug.\n')
process.exit(broken ? 1 : 0) // some libraries leave timers running
