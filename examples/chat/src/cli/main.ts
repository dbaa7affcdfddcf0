import { type ConnectionOptions, createConnection } from '@trunkline/client'
import { parseArguments, usage } from './arguments.ts'
import { chat } from './chat.ts'
import { findLocalLine, nothingRuns } from './dev-server.ts'

const asked = parseArguments(process.argv.slice(2))
process.exitCode = typeof asked === 'string' ? say(asked) : await run(asked)

async function run({ room, name, url: given }: Exclude<typeof asked, string>): Promise<number> {
  const url = given ?? (await findLocalLine())
  if (url === undefined) return say(nothingRuns)
  await using connection = createConnection({ url, token: () => name, ...(await webSocketOfNode20()) })
  return await chat({ connection, room, name })
}

/** Node 20 has no WebSocket of its own. */
async function webSocketOfNode20(): Promise<Pick<ConnectionOptions, 'WebSocket'>> {
  return 'WebSocket' in globalThis ? {} : { WebSocket: (await import('ws')).WebSocket }
}

/** Says why there is no chat; only help that was asked for is a success. */
function say(why: string): number {
  if (why !== usage) console.error(why)
  else console.log(usage)
  return why === usage ? 0 : 1
}
