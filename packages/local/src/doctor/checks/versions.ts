import { createRequire } from 'node:module'
import { limits } from '@trunkline/protocol'
import { apiGateway, request } from '../context/aws.ts'
import {
  type Check,
  type CheckContext,
  type Finding,
  failed,
  passed,
  skipped,
  warning,
  worstOf,
} from '../context/check.ts'
import { apiOf } from '../context/deployed-line.ts'
import { expectedProperties } from '../context/expected-line.ts'
import { hello, openSocket } from '../context/probe-socket.ts'

/** The version of this command. All packages of Trunkline have the same one. */
export function ownVersion(): string {
  const { version } = createRequire(import.meta.url)('@trunkline/local/package.json') as { readonly version: string }
  return version
}

const versions: Check = {
  id: 'versions',
  title: 'the deployed line has the version of this command',
  calls: 'the outputs of the stack, `apigateway:GET` on the API, a connect and `hello`',
  cost: 'one connection, two or three runs of functions',
  remedy:
    'Deploy with the version of this command, or run the doctor of the deployed version: `npx @trunkline/local@<version> doctor`.',
  async run(context) {
    return worstOf([ofTemplate(context), await ofWire(context), await ofFunctions(context)])
  },
}

function ofTemplate({ target }: CheckContext): Finding {
  if (target.kind === 'local') return skipped('A local line has no template.')
  const [own, deployed] = [ownVersion(), target.outputs['TrunklineVersion']]
  if (deployed === own) return passed(`The template and this command have the version ${own}.`)
  return deployed === undefined
    ? skipped('The stack has no output TrunklineVersion.')
    : warning(`The template has the version ${deployed}, this command ${own}.`, versions.remedy)
}

/** The wire and the keepalive of the deployed API, which its description names. */
async function ofWire(context: CheckContext): Promise<Finding> {
  const api = apiOf(context.target)
  if (context.target.kind === 'local' || api === undefined) return skipped('The WebSocket API is not known.')
  const { sdk, client } = await apiGateway(context)
  const { Description } = await request('apigateway:GET', () =>
    client.send(new sdk.GetApiCommand({ ApiId: api.id }), { abortSignal: context.signal }),
  )
  const expected = String(expectedProperties(context.target, 'WebsocketsApi')['Description'])
  if (Description === expected) return passed(`The API is that of "${expected}".`)
  return failed(`Expected the API of "${expected}", got ${JSON.stringify(Description ?? '')}.`, versions.remedy)
}

/** The limits in the answer to `hello`, which clients of this version expect. */
async function ofFunctions(context: CheckContext): Promise<Finding> {
  if (context.target.webSocketUrl === undefined) return skipped('The address of the sockets is not known.')
  const handshake = await openSocket(context)
  if (handshake.status !== 'open') return skipped('No socket opens.')
  const { limits: deployed = {} } = await hello(handshake.socket)
  const [is, expected] = [deployed['frameBytes'], limits.frameBytes.value]
  return is === expected
    ? passed(`The functions have the limits of this version.`)
    : failed(`The functions take frames of ${is} bytes; this version expects ${expected}.`, versions.remedy)
}

const http: Check = {
  id: 'http',
  title: 'clients without a WebSocket get answers over HTTP',
  calls: '`POST /frames` with a call of a procedure that does not exist',
  cost: 'one request, one run of a function',
  remedy: 'Set the parameter HttpDoor of the stack to api or url, and compare the address with its outputs.',
  async run(context) {
    const { httpUrl } = context.target
    if (httpUrl === undefined) return skipped('The line has no address for HTTP clients.')
    const address = `${httpUrl.replace(/\/(?:frames)?$/, '')}/frames`
    const { origin } = context.settings
    const response = await fetch(address, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(origin !== undefined && { origin }) },
      body: '[{"id":"doctor","method":"query","params":{"path":"trunkline.doctor"}}]',
      signal: context.signal,
    })
    const text = await response.text()
    if (response.status === 200 && text.includes('"id":"doctor"')) return passed(`${address} answered a call.`)
    return failed(
      `Expected 200 and the answer to a call from ${address}, got ${response.status} ${text.slice(0, 200)}.`,
      http.remedy,
    )
  },
}

export const versionChecks: readonly Check[] = [versions, http]
