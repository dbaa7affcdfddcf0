// One file over 200 lines: each check is a socket, and they share what a refused handshake means.

import {
  type Check,
  type CheckContext,
  defaultDeliveryMs,
  type Finding,
  failed,
  passed,
  skipped,
  warning,
} from '../context/check.ts'
import {
  frameOf,
  type Handshake,
  hasId,
  hello,
  openSocket,
  type ProbeSocket,
  SUBPROTOCOL,
} from '../context/probe-socket.ts'

const logsOf = (name: string) => `Read the logs of the function ${name}.`

/** What the status of a handshake that no check expects means. */
function refusedFinding({ code, body }: Extract<Handshake, { status: 'refused' }>): Finding {
  const words = `The handshake was answered ${code}${body === '' ? '' : `: ${body}`}.`
  switch (code) {
    case 401:
      return failed(
        `${words} The function authorizer did not run, or the line has none and authorize refused the caller.`,
        'The authorizer of $connect must have no identity source: deploy the stack again. Without an authorizer function, pass --token.',
      )
    case 403:
      return failed(
        `${words} The origin is not allowed, the caller is kept out, or the path is not that of the stage.`,
        'Compare the address with the output WebSocketUrl, and pass --origin with the origin of a page that may connect.',
      )
    case 429:
    case 503:
      return failed(`${words} The API or a function is throttled.`, 'See the checks throttling and concurrency.')
    case 500:
      return failed(
        `${words} The function authorizer failed, or API Gateway may not invoke it.`,
        `${logsOf('authorizer')} Without a line there, deploy the stack again, which sets the permission.`,
      )
    case 502:
      return failed(`${words} The function of $connect failed.`, logsOf('websocket'))
    default:
      return failed(words, 'Compare the address with the output WebSocketUrl.')
  }
}

/** Opens a socket and goes on with it. A handshake that was refused is the finding. */
async function withSocket(
  context: CheckContext,
  use: (socket: ProbeSocket) => Promise<Finding>,
  options?: Parameters<typeof openSocket>[1],
): Promise<Finding> {
  const handshake = await openSocket(context, options)
  return handshake.status === 'open' ? use(handshake.socket) : refusedFinding(handshake)
}

const oneConnection = 'one connection, three or four runs of functions, two or three writes'

const handshake: Check = {
  id: 'handshake',
  title: 'a socket opens, and hello is answered',
  calls: 'a connect with your token and origin, `hello`',
  cost: oneConnection,
  remedy: 'Compare the address with the output WebSocketUrl of the stack. Read the logs of authorizer and websocket.',
  run: (context) =>
    withSocket(context, async (socket) => {
      const { refused } = await hello(socket)
      if (refused === undefined) return passed('The socket opened, and hello was answered.')
      return context.settings.token === undefined
        ? passed(`The socket opened, and authorize refused a caller without a token: ${refused}`)
        : failed(
            `authorize refused your token: ${refused}`,
            'Pass a token that has not expired, of a caller that may connect.',
          )
    }),
}

const subprotocol: Check = {
  id: 'subprotocol',
  title: `the line selects ${SUBPROTOCOL}, and nothing where it is not offered`,
  calls: 'two connects',
  cost: 'two connections, four runs of functions',
  remedy: 'Deploy functions of this version: $connect must return the header Sec-WebSocket-Protocol.',
  needs: ['handshake'],
  async run(context) {
    const offered = await openSocket(context)
    if (offered.status !== 'open') return refusedFinding(offered)
    await openSocket(context, { subprotocols: [] }) // rejects when something is selected; it may be refused as a stock client
    return passed(`The line selected ${offered.socket.subprotocol}, and nothing without an offer.`)
  },
}

const withoutToken: Check = {
  id: 'authorizer-without-token',
  title: 'authorize decides about a caller without a token',
  calls: 'a connect without a token, `hello`',
  cost: oneConnection,
  remedy: 'Read the logs of authorizer. Its route must have no identity source.',
  run: (context) =>
    withSocket(
      context,
      async (socket) => {
        const { refused } = await hello(socket)
        return passed(
          refused === undefined
            ? 'A caller without a token may connect, as an anonymous one.'
            : `A caller without a token is refused: ${refused}`,
        )
      },
      { token: null },
    ),
}

const withToken: Check = {
  id: 'authorizer-with-token',
  title: 'authorize accepts your token',
  calls: 'a connect with your token, `hello`',
  cost: oneConnection,
  remedy: 'Pass a token that has not expired, and read the logs of authorizer.',
  async run(context) {
    if (context.settings.token === undefined)
      return skipped('No token. Pass --token, or set TRUNKLINE_TOKEN, to connect as a known caller.')
    return withSocket(context, async (socket) => {
      const { refused } = await hello(socket)
      return refused === undefined
        ? passed('authorize accepted the token.')
        : failed(`authorize refused the token: ${refused}`, withToken.remedy)
    })
  },
}

const foreignOrigin = 'https://trunkline-doctor.invalid' // a name that nobody can own [RFC 2606]

const origins: Check = {
  id: 'origins',
  title: 'a page of a foreign origin may not connect',
  calls: `a connect with the origin \`${foreignOrigin}\``,
  cost: 'one handshake, one run of a function',
  remedy: 'Name the origins of your pages: the parameter Origins of the stack, or `origins` of createLambdaHandlers.',
  needs: ['handshake'],
  async run(context) {
    const opened = await openSocket(context, { origin: foreignOrigin })
    if (opened.status === 'open')
      return warning(`A page of ${foreignOrigin} may connect, so every origin is allowed.`, origins.remedy)
    return opened.code === 403 ? passed(`A page of ${foreignOrigin} was answered 403.`) : refusedFinding(opened)
  },
}

const answers: Check = {
  id: 'route-responses',
  title: 'a call is answered by its route, and a subscription by a post',
  calls: 'a call and a subscription of a procedure that does not exist',
  cost: 'two connections, six runs of functions, one post',
  remedy:
    'Deploy the stack again. $default needs a route response; the answer to a subscription needs the callback address and `execute-api:ManageConnections`.',
  needs: ['handshake'],
  async run(context) {
    const call = await answerOf(context, 'query')
    if (call !== undefined) return call
    const post = await answerOf(context, 'subscription')
    return post ?? passed('A call was answered by its two-way route, and a subscription by a post.')
  },
}

/** Undefined when a frame of this method was answered under its id. */
async function answerOf(context: CheckContext, method: 'query' | 'subscription'): Promise<Finding | undefined> {
  const opened = await openSocket(context)
  if (opened.status !== 'open') return refusedFinding(opened)
  const { deliveryMs: answerMs = defaultDeliveryMs } = context.settings
  const params = { path: 'trunkline.doctor', ...(method === 'subscription' && { ref: 1 }) }
  opened.socket.send(JSON.stringify({ id: method, method, params }))
  const text = await withinTime(opened.socket.message(hasId(method)), answerMs)
  if (text !== undefined && frameOf(text, method)['error'] !== undefined) return undefined
  const got = text === undefined ? `nothing within ${answerMs / 1_000} s` : text.slice(0, 200)
  return method === 'query'
    ? failed(`Expected an error as the answer to a call, got ${got}.`, `${answers.remedy} See the check routes.`)
    : failed(
        `Expected a post with an error as the answer to a subscription, got ${got}.`,
        `${answers.remedy} See the checks callback and iam-websocket.`,
      )
}

async function withinTime<T>(promise: Promise<T>, ms: number): Promise<T | undefined> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), ms)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
    promise.catch(() => {}) // it may reject later, when the socket is closed
  }
}

const pong = '{"pong":true}'
const slowPingMs = 4_000

const ping: Check = {
  id: 'ping',
  title: 'the gateway answers a keepalive itself',
  calls: 'three times `{"method":"ping"}`',
  cost: 'six messages, no run of a function',
  remedy:
    'Deploy the stack again: the route ping has a MOCK integration with an integration response and a route response.',
  needs: ['handshake'],
  run: (context) =>
    withSocket(context, async (socket) => {
      const { deliveryMs: answerMs = defaultDeliveryMs } = context.settings
      const times: number[] = []
      for (let n = 0; n < 3; n++) {
        const answer = new Promise<string>((resolve) => socket.raw.once('message', (data) => resolve(String(data))))
        const began = performance.now()
        socket.send('{"method":"ping"}')
        const text = await withinTime(answer, answerMs)
        if (text !== pong)
          return failed(
            `Expected ${pong} as the answer to ping, got ${text ?? `nothing within ${answerMs / 1_000} s`}.`,
            ping.remedy,
          )
        times.push(performance.now() - began)
      }
      const best = Math.round(Math.min(...times))
      const words = `ping was answered with ${pong} in ${best} ms.`
      return best > slowPingMs
        ? warning(words, 'Clients take a line that answers so late for lost. Check your network.')
        : passed(words)
    }),
}

export const socketChecks: readonly Check[] = [handshake, subprotocol, withoutToken, withToken, origins, answers, ping]
