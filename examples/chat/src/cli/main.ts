import { type ConnectionOptions, createConnection } from '@trunkline/client'
import { requestToken } from '../sign-in/requests.ts'
import { parseArguments, usage } from './arguments.ts'
import { chat } from './chat.ts'
import { findLocalLine, noIssuer, nothingRuns } from './dev-server.ts'

const parsed = parseArguments(process.argv.slice(2))
process.exitCode = typeof parsed === 'string' ? exitWith(parsed) : await run(parsed)

async function run({ room, name, ...given }: Exclude<typeof parsed, string>): Promise<number> {
  const found = given.url === undefined ? await findLocalLine() : { url: given.url, issuer: given.issuer }
  if (found === undefined) return exitWith(nothingRuns)
  const { url, issuer } = found
  if (name !== null && issuer === undefined) return exitWith(noIssuer)
  const token = async () => (name === null || issuer === undefined ? null : requestToken(issuer, name))
  await using connection = createConnection({ url, token, ...(await webSocketOfNode20()) })
  return await chat({ connection, room, name })
}

/** Node 20 has no WebSocket. */
async function webSocketOfNode20(): Promise<Pick<ConnectionOptions, 'WebSocket'>> {
  return 'WebSocket' in globalThis ? {} : { WebSocket: (await import('ws')).WebSocket }
}

/** Prints why there is no chat and returns the exit code: 0 for --help, else 1. */
function exitWith(message: string): number {
  if (message !== usage) console.error(message)
  else console.log(usage)
  return message === usage ? 0 : 1
}
